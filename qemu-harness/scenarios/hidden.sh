# shellcheck shell=bash
# With that layer there would be no pid 1: the probe saw it.
right_base
pristine probe-failed
like "the message names the program" "$(status .message)" "*/usr/lib/systemd/systemd*"
check "the layer is still there" test -c "$STORE"/veneer/layers/*/upper/lib/systemd/systemd
