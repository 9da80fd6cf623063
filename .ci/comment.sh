#!/usr/bin/env bash
# comment.sh NUMBER: put standard input on a pull request of GITHUB_REPOSITORY, in place of what this put there before, which it knows by a marker.
set -euo pipefail
marker='<!-- sm-tuning: the tuning job of this pull request -->'
comments="repos/$GITHUB_REPOSITORY/issues/$1/comments"
body=$(printf '%s\n%s\n\nOf %s; [report and log](%s)\n' "$marker" "$(cat)" "${COMMIT:-this commit}" "${REPORT:-the run}")
id=$(gh api "$comments" --paginate --jq ".[] | select(.body | startswith(\"$marker\")) | .id" | head -n 1)
if [ -n "$id" ]; then
  gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --raw-field "body=$body"
else
  gh api --silent --method POST "$comments" --raw-field "body=$body"
fi
