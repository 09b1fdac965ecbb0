# shellcheck shell=bash
# The policy changes its mind about something that the user has installed: a rebase labels it anew.
echo '/usr/share/doc/nginx(/.*)? system_u:object_r:httpd_sys_content_t:s0' >> /etc/selinux/default/contexts/files/file_contexts.local
like "it is not so yet, and that is told" "$(echo /usr/share/doc/nginx | mislabelled)" "*relabel /usr/share/doc/nginx *"
