#!/usr/bin/env bash
# Runs one command of dbwarden in a step: what it says goes into the log, a
# summary into the page of the run, and its exit code is the step's.
set -uo pipefail

: "${GITHUB_OUTPUT:?}" "${GITHUB_STEP_SUMMARY:?}" "${RUNNER_TEMP:?}"
output() { printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"; }

# What is given and empty names a secret that is not there. The warden.toml would
# be asked instead: a file of SQLite that it names would be made and migrated on
# this machine, and all be green.
given() {
	[[ -z $2 ]] || return 0
	echo "::error title=$1 is empty::There is no secret of that name here: it may have another name, be one of another environment, or be kept from a pull request out of a fork. Nothing ran. Leave $1 out where warden.toml is to name the database."
	output exit-code 2
	exit 2
}
given database-url "${INPUT_DATABASE_URL--}"
given DBWARDEN_DATABASE_URL "${DBWARDEN_DATABASE_URL--}"
given DBWARDEN_DATABASE_URL_FILE "${DBWARDEN_DATABASE_URL_FILE--}"
# The program reads its variable, so that no URL stands on a command line.
[[ ${INPUT_DATABASE_URL--} == - ]] || export DBWARDEN_DATABASE_URL=$INPUT_DATABASE_URL
unset INPUT_DATABASE_URL

flags=(--no-color)
[[ -z ${INPUT_CONFIG-} ]] || flags+=(--config "$INPUT_CONFIG")
[[ -z ${INPUT_DATABASE-} ]] || flags+=(-d "$INPUT_DATABASE")
# To the end, for they may stand on lines; read says then that there is no more.
read -rd '' -a more <<<"${INPUT_ARGS-}" || true

said=$RUNNER_TEMP/dbwarden.said about=$RUNNER_TEMP/dbwarden.about

# Those that say which database it is about.
of=("${flags[@]}")
offline=
for ((i = 0; i < ${#more[@]}; i++)); do
	case ${more[i]} in
	--offline) offline=yes ;;
	--url | --target | --database | --config | -d) of+=("${more[i]}" "${more[i + 1]-}") ;;
	--url=* | --target=* | --database=* | --config=* | -d?* | --all) of+=("${more[i]}") ;;
	esac
done

# names says which database that is, without its password, and who said so.
names() {
	[[ -z $offline ]] || return 0
	dbwarden config -o json "${of[@]}" 2>/dev/null |
		jq -r '.databases[] | .name as $name | .settings[] | select(.key == "database_url" and .value != "") | "Database: \(if $name == "" then "" else $name + ", " end)\(.value) (\(.source))"' 2>/dev/null
}

# counted says how many migrations a plan has.
counted() { sed -n 's/^Pending migrations (\([0-9]*\)):$/\1/p' | head -n 1 | grep . || echo 0; }

# fenced FILE: as a block that what is in it cannot end. GitHub takes no
# summary above a megabyte, and no comment above 65,536 characters.
fenced() {
	local fence='```'
	while grep -qF -- "$fence" "$1"; do fence+='`'; done
	echo "$fence"
	head -c "${2:-60000}" "$1"
	[[ -z $(tail -c 1 "$1") ]] || echo
	[[ $(wc -c <"$1") -le ${2:-60000} ]] || printf '\n… cut here; the whole is in the log of the run\n'
	echo "$fence"
}

# summary TITLE: what was said, on the page of the run.
summary() {
	cat "$about" "$said" >"$said.whole"
	{ printf '### %s\n\n' "$1" && fenced "$said.whole" && echo; } >>"$GITHUB_STEP_SUMMARY"
}

# escaped TEXT, as a message of a workflow command; a property has two more.
escaped() { local s=${1//'%'/%25} && s=${s//$'\r'/%0D} && printf '%s' "${s//$'\n'/%0A}"; }
property() { local s && s=$(escaped "$1") && s=${s//:/%3A} && printf '%s' "${s//,/%2C}"; }

# annotate turns the findings into annotations, which GitHub shows beside the
# lines. It knows files by their path from the repository's root.
annotate() {
	local here=${PWD#"${GITHUB_WORKSPACE:-$PWD}"} line level
	here=${here#/}
	local finding='^(.+):([0-9]+):([0-9]+): (error|warning|info): (.*) \[([a-z-]+)\]$'
	while IFS= read -r line; do
		[[ $line =~ $finding ]] || continue
		level=${BASH_REMATCH[4]/info/notice}
		printf '::%s file=%s,line=%s,col=%s,title=%s::%s\n' "$level" "$(property "${here:+$here/}${BASH_REMATCH[1]}")" \
			"${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}" "$(property "${BASH_REMATCH[6]}")" "$(escaped "${BASH_REMATCH[5]}")"
	done <"$said"
}

# comment writes the plan into the pull request, over the one of the last push.
comment() {
	local number marker body=$RUNNER_TEMP/dbwarden.body id here=${PWD#"${GITHUB_WORKSPACE:-$PWD}"}
	# One comment for each database of each project. Nothing of a name may end it.
	marker="<!-- dbwarden plan $(printf '%s' "${here#/} ${INPUT_CONFIG-} ${INPUT_DATABASE-}" | tr -c 'A-Za-z0-9/._ ' _) -->"
	[[ ${INPUT_COMMENT-} == true && -r ${GITHUB_EVENT_PATH-} ]] || return 0
	number=$(jq -r '.pull_request.number // empty' "$GITHUB_EVENT_PATH") && [[ -n $number ]] || return 0
	{
		printf '%s\n### Migrations%s: what would run\n\n' "$marker" "${INPUT_DATABASE:+ of $INPUT_DATABASE}"
		fenced "$said"
	} >"$body"
	# Of a program, or of somebody who may write to the repository: whoever else
	# begins a comment so could change what stands in it for the plan.
	id=$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$number/comments" --jq ".[] | select((.body | startswith(\"$marker\")) and (.user.type == \"Bot\" or (.author_association | IN(\"OWNER\", \"MEMBER\", \"COLLABORATOR\")))) | .id" | head -n 1) &&
		if [[ -n $id ]]; then
			gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field "body=@$body" --silent
		else
			gh api --method POST "repos/$GITHUB_REPOSITORY/issues/$number/comments" --field "body=@$body" --silent
		fi || echo '::warning::the plan could not be written into the pull request: the token needs pull-requests: write, which it has not for pull requests from forks'
}

# run COMMAND...: runs it, in the log and in a file. What it says quotes files of
# a pull request, perhaps of a stranger: none of it is a command to the runner,
# which hears none until it is told a word that nobody can guess.
run() {
	local word code
	word=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	echo "::stop-commands::$word"
	names | tee "$about"
	dbwarden "$@" "${flags[@]}" ${more[@]+"${more[@]}"} 2>&1 | tee "$said"
	code=$?
	[[ -z $(tail -c 1 "$said") ]] || echo
	echo "::$word::"
	return "$code"
}

case ${INPUT_COMMAND-} in
migrate)
	run migrate
	code=$?
	summary 'Migrations'
	;;
check)
	run check
	code=$?
	if [[ $code -eq 0 || $code -eq 6 ]]; then
		annotate
		sarif=$RUNNER_TEMP/dbwarden.sarif
		dbwarden check "${flags[@]}" ${more[@]+"${more[@]}"} -q -o sarif --fail-on never >"$sarif" && output sarif "$sarif"
	fi
	summary 'Check of the migrations'
	;;
plan)
	run plan
	code=$?
	output pending "$(counted <"$said")"
	summary 'Migrations: what would run'
	[[ $code -ne 0 ]] || comment
	;;
drift)
	run diff migrations --exit-code
	code=$?
	if [[ $code -eq 6 ]]; then
		# What they would make differs as well, and nobody changed that by hand.
		pending=$(dbwarden plan "${of[@]}" 2>/dev/null | counted)
		output pending "$pending"
		if [[ $pending -eq 0 ]]; then
			echo '::error title=drift::the database is not what its migrations make'
		else
			echo "::error title=drift::the database is not what its migrations make, and migrations are pending ($pending), which differ, too: deploy them, then look again"
		fi
	fi
	summary 'Drift'
	;;
*)
	echo "::error::command is '${INPUT_COMMAND-}': want check, plan, migrate or drift"
	exit 2
	;;
esac
output exit-code "$code"
exit "$code"
