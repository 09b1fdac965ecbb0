# shellcheck shell=bash
# On a layer: all of it is labelled, what is in /usr as the policy wants it, and nothing is denied for Veneer's sake.
check "the record is written" systemctl start veneer-record.service
is "every file of the store has a label" \
    "$(find "$STORE/veneer" -context '*:unlabeled_t:*' -o -context '*:file_t:*')" ""
find "$STORE/veneer" -maxdepth 5 -not -path '*/upper/*' -printf '%Z %P\n' | note
find "$(layer)/upper" ! -type c -printf '/usr/%P\n' | mislabelled > "$STATE/mislabelled.now"
is "what the layer has in /usr is labelled as the policy wants it" \
    "$(LC_ALL=C comm -13 "$STATE/mislabelled" "$STATE/mislabelled.now")" ""
is "what is said of this boot, too" "$(stat --format=%C /run/veneer "$STATUS" | cut -d: -f3 | xargs)" "var_run_t var_run_t"
denied > "$STATE/denied"
denials < "$STATE/denied" | LC_ALL=C comm -13 "$STATE/denials" - > "$STATE/new"
say "denied here, and not on the bare base: $(wc -l < "$STATE/new")"
while read -r line; do
    ! denials <<< "$line" | LC_ALL=C comm -12 - "$STATE/new" | grep -q . || echo "$line"
done < "$STATE/denied" > "$STATE/new.denied"
note < "$STATE/new.denied"
is "none of it is Veneer's" "$(of_veneer < "$STATE/denied")" ""
