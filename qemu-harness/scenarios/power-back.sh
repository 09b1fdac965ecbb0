# shellcheck shell=bash
# After a power cut the layer is used or, if it cannot be, refused with a reason; either way the machine is up.
right_base
case $(status .outcome) in
    layer)
        on_layer used
        check "dpkg puts in order what was cut off" dpkg --configure --pending
        check "apt-get update" apt-get update
        check "apt-get repairs" apt-get --yes --fix-broken install
        check "apt-get install nginx" apt-get install --yes nginx
        serves
        is "dpkg --audit has nothing to say" "$(dpkg --audit 2>&1)" ""
        ;;
    *)
        bare
        refuse "the message is not empty" [ -z "$(status .message)" ]
        ;;
esac
say "after the power cut: $(status .outcome), $(status .reason)"
