# shellcheck shell=bash
# Unknown and malformed words: warned about, and the boot goes on with a layer.
right_base
on_layer bound
like "unknown words are warned about" "$(journalctl --boot --no-pager | grep -i veneer)" "*nonsense*"
