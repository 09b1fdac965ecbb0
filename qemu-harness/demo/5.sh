say "Without the word everything is back."
show 'jq -r "\"\(.outcome), \(.layer.action): \(.layer.id)\"" /run/veneer/status.json'
show 'systemctl is-active nginx'
show 'page | grep "<title>"'
on_layer used
serves
