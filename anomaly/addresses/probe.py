"""Recognises attack strings and sensitive files in paths, and names the path that counts. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from lakehouse.event.routes import template

_LONGEST = 300
_ATTACK = re.compile(
    r"[<>`]|[\"'][\s)]*(?:;|--|#|\|\||&&|\b(?:or|and|union|having|order|in|like|group)\b|[=+|(])"
    r"|\b(?:union\s+(?:all\s+)?select|select\b.{1,80}\bfrom|insert\s+into|drop\s+table|sleep\s*\("
    r"|waitfor\s+delay|benchmark\s*\(|order\s+by\s+\d|having\s+\d|exec\b|declare\s+@|char\s*\()"
    r"|(?<![-\w/])(?:or|and|where|when|if|iif|rlike|case)\b\s*\(*\s*['\"\d(]?[^&]{0,60}[=<>*(]"
    r"|\b(?:(?:java|vb)script:|on(?:error|load)\s*=|document\.(?:cookie|location|write)|alert\()"
    r"|(?:\.{1,2}[/\\]{1,2}){2}|\.{4,}|(?:0x2e){2}|/(?:usr/)?bin/|[a-z]:[/\\]?(?:windows|inetpub)"
    r"|\.\.%2f|/etc/(?:passwd|shadow|group|hosts)|\b(?:win|boot|php)\.ini\b"
    r"|[;|&$]\s*\(?(?:cat|ls|id|wget|curl|nc|ping|bash|sh|whoami|uname|echo|dir|type|sleep)\b"
    r"|\$\{|<\?|\x00|file://|php://|phpinfo|_xml|xp_cmdshell|/\*|\*/|--\s*$|\|\|",
    re.IGNORECASE | re.DOTALL,
)

# What only who looks for holes asks for, as in the lists of CrowdSec's `http-sensitive-files` and
# of `restricted-files` of the Core Rule Set (rule 930130). No page of an ordinary site is in it.
_SENSITIVE = re.compile(
    r"/\.(?:env|git|svn|hg|bzr|aws|ssh|kube|docker|htaccess|htpasswd|npmrc|bash_history|ds_store"
    r"|vscode|idea|config)(?:$|[./?_-])"
    r"|/(?:wp-config|phpinfo|adminer|eval-stdin|phpunit|xdebug|shell|c99|r57|cmd|webshell)\b.{0,20}"
    r"\.(?:php|bak|txt|old)"
    r"|/(?:phpmyadmin|pma|myadmin|mysqladmin|cgi-bin|server-status|server-info|hnap1|boaform"
    r"|_ignition|telescope|jmx-console|web-console|manager/html|solr/admin|jenkins/script"
    r"|owa/auth|autodiscover|vendor/phpunit|_profiler|debug/pprof|containers/json|dana-na)\b"
    r"|/actuator/(?:env|heapdump|configprops|mappings|gateway)"
    r"|/(?:id_rsa|id_dsa|authorized_keys|credentials|secrets?\.(?:json|ya?ml)|web\.config"
    r"|docker-compose\.ya?ml|composer\.lock|\.?nessus)"
    r"|\.(?:sql|bak|old|orig|swp|save|backup|mdb|sqlite3?|pem|key|pfx|kdbx)(?:\.gz|\.zip)?(?:$|\?)"
    r"|/(?:backup|dump|db|database|site|www|htdocs|wwwroot)\.(?:zip|tar|tgz|tar\.gz|rar|7z|gz)",
    re.IGNORECASE,
)


def is_attack(path: str) -> bool:
    """Whether a path or its query looks like an injection, a traversal or a command."""
    return bool(_ATTACK.search(unquote_plus(path[:_LONGEST])))


def is_hostile(path: str) -> bool:
    """Whether a path is an attack, or that of a file which nobody is meant to see."""
    return is_attack(path) or bool(_SENSITIVE.search(unquote_plus(path[:_LONGEST])))


def counted_as(path: str) -> str:
    """Returns the route template of a path; a hostile one is its own, as each is another try.

    The query of a sensitive file is no other try.
    """
    if is_attack(path):
        return path[:_LONGEST]
    return path[:_LONGEST].split("?")[0] if is_hostile(path) else template(path)
