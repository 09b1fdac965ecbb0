# shellcheck shell=bash
# systemd-repart made the store on this boot, encrypted, and systemd-cryptsetup unlocked it with what the TPM keeps.
sealed
encrypted
device=/dev/disk/by-partlabel/veneer
check "its key is in the TPM" sh -c "cryptsetup luksDump $device | grep -q systemd-tpm2"
is "no more is asked of it than one key" "$(cryptsetup luksDump "$device" | grep -c '^  [0-9]*: luks2')" 1

# Two other ways, for the boots that follow.
check "a passphrase is enrolled" env NEWPASSWORD="a passphrase" systemd-cryptenroll --unlock-tpm2-device=auto --password "$device"
check "a key file is enrolled" sh -c "printf %s 'a passphrase' | cryptsetup luksAddKey --batch-mode --key-file=- $device /etc/veneer-test/key"
keep "$(blkid -o value -s UUID "$device")"
