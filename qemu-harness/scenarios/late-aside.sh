# shellcheck shell=bash
# Two such boots were enough: the bare base, which is well, and the way back.
right_base
pristine trial-failed
refuse "the user's file is not there" test -e /usr/share/mine
check "status tells the way out" sh -c 'veneer status | grep "veneer retry"'
check "the message at login tells it too" grep "veneer retry" /usr/lib/motd.d/50-veneer
check "the journal has it under its own id" sh -c \
    'journalctl --boot --quiet --output=cat VENEER_REASON=trial-failed | grep "set aside"'

# A healthy layer of this base that is older than that one. By hand: they have one base and so one record.
layers=$STORE/veneer/layers
name=$(ls "$layers") && base=${name#*-}
mv "$layers/$name" "$layers/0002-$base"
cp -a "$layers/0002-$base" "$layers/0001-$base"
rm "$layers/0001-$base/trial"
rm -r "$layers/0001-$base/upper/lib/systemd/system/boot-complete.target.requires"
echo older > "$layers/0001-$base/upper/share/mine"
