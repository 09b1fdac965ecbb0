# fish completion for veneer(8), below share/fish/vendor_completions.d.

complete -c veneer -f

# The words after these two are not veneer's own.
set -l always 'not __fish_seen_subcommand_from guard run'
complete -c veneer -n "$always" -l json -d 'for programs'
complete -c veneer -n "$always" -s q -l quiet -d 'nothing but errors'
complete -c veneer -n "$always" -l no-pager -d 'print long lists as they are'
complete -c veneer -n "$always" -l root -r -a '(__fish_complete_directories)' -d 'the system'
complete -c veneer -n "$always" -l store -r -a '(__fish_complete_directories)' -d 'where the store is mounted'
complete -c veneer -n "$always" -l runtime -r -a '(__fish_complete_directories)' -d 'where status.json is'
complete -c veneer -n "$always" -s h -l help -d 'what there is'
complete -c veneer -n "$always" -l version -d 'which version this is'

# fish's own __fish_use_subcommand takes the value of an option for a command.
set -l commands status layers diff why check rebase retry use reset gc doctor lint run bless record refresh guard
set -l first "not __fish_seen_subcommand_from $commands"
complete -c veneer -n "$first" -a status -d 'what this boot runs on, why, and what to do about it'
complete -c veneer -n "$first" -a layers -d 'the layers in the store'
complete -c veneer -n "$first" -a diff -d 'every change that the layer makes to its base'
complete -c veneer -n "$first" -a why -d 'where a path comes from'
complete -c veneer -n "$first" -a check -d 'what a rebase onto a base would do'
complete -c veneer -n "$first" -a rebase -d 'derive the layer for a base now'
complete -c veneer -n "$first" -a retry -d 'give layers that were set aside another try'
complete -c veneer -n "$first" -a use -d 'another layer of this base for the next boots'
complete -c veneer -n "$first" -a reset -d 'an empty layer for the next boot'
complete -c veneer -n "$first" -a gc -d 'remove layers that nothing needs any more'
complete -c veneer -n "$first" -a doctor -d 'what is wrong with this system'
complete -c veneer -n "$first" -a lint -d 'what an image that is being built lacks'
complete -c veneer -n "$first" -a run -d 'a program that may write to a guarded /usr'
complete -c veneer -n "$first" -a bless -d 'call this boot good'
complete -c veneer -n "$first" -a record -d 'write down what the layer shadows'
complete -c veneer -n "$first" -a refresh -d 'make caches and indexes again'
complete -c veneer -n "$first" -a guard -d '/usr for package managers'

complete -c veneer -n '__fish_seen_subcommand_from check diff rebase' -l base -rF -a staged -d 'the other base: a directory, an image, a device, or what is staged'
complete -c veneer -n '__fish_seen_subcommand_from check rebase' -l force -d 'also if that base is another system'
complete -c veneer -n '__fish_seen_subcommand_from gc rebase refresh' -l dry-run -d 'say what would be done, and do nothing'
complete -c veneer -n '__fish_seen_subcommand_from gc reset' -l yes -d 'do not ask'
complete -c veneer -n '__fish_seen_subcommand_from reset' -l soft -d 'keep the list of packages that were wanted'
complete -c veneer -n '__fish_seen_subcommand_from check' -l verbose -d 'also what becomes of each entry'
complete -c veneer -n '__fish_seen_subcommand_from doctor lint' -l strict -d 'warnings are errors'
complete -c veneer -n '__fish_seen_subcommand_from lint' -l stamp -d 'first write into the image which build it is'
complete -c veneer -n '__fish_seen_subcommand_from lint' -l initrd -rF -d 'look into this initramfs'
complete -c veneer -n '__fish_seen_subcommand_from refresh' -l early -d 'what has to be there before sysinit.target'

complete -c veneer -n '__fish_seen_subcommand_from guard' -a 'prepare open close hold shut'
complete -c veneer -n '__fish_seen_subcommand_from run' -a '(__fish_complete_subcommand)'
complete -c veneer -n '__fish_seen_subcommand_from use' -a '(veneer layers --json 2>/dev/null | string match -rag \'"id":"([0-9]+-[0-9a-f]+)"\')'
complete -c veneer -n '__fish_seen_subcommand_from why' -F
