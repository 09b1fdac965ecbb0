# shellcheck shell=bash disable=SC2016
# After a power cut the layer is used or, if it cannot be, refused with a reason; either way the machine is up.
right_base
case $(status .outcome) in
    layer)
        on_layer used
        # What dpkg made in /var may be lost while its database in /usr says that it is there: they are two file
        # systems, each sound, that no one order holds for. So configuring alone may fail; unpacking again may not.
        dpkg --configure --pending 2>&1 | note
        # By dpkg: apt cannot reinstall a package in that state ("Internal Error, No file name").
        check "unpacking once more repairs what was cut off" sh -c 'dpkg --install "$HERE"/repo/*.deb'
        check "apt-get check" apt-get check
        serves
        is "dpkg --audit has nothing to say" "$(dpkg --audit 2>&1)" ""
        ;;
    *)
        bare
        refuse "the message is not empty" [ -z "$(status .message)" ]
        ;;
esac
say "after the power cut: $(status .outcome), $(status .reason)"
