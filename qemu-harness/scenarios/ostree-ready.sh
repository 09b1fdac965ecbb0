# shellcheck shell=bash disable=SC2034
# Before the reboot, when all else had ended, the layer was derived for the deployment that was staged.
like "the shutdown derived the layer" "$(journalctl --boot=-1 --no-pager --output=cat --unit=veneer-staged.service)" "*layer * for * is ready*"
is "the base is known by its checksum" "$(status .base.source)" ostree
action=used
