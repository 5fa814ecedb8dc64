# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Completion of svmctl for bash: commands, options, and what the driver knows of
# devices and processes. A unit test holds it against svmctl --help.

# _svmctl_known COMMAND MEMBER: the values of a member in the JSON of a command.
_svmctl_known() {
	svmctl "$1" --json 2>/dev/null | sed -nE "s/.*\"$2\": *\"?([0-9a-fx]+)\"?.*/\1/p" | sort -u
}
_svmctl_devices() { _svmctl_known devices index; _svmctl_known devices gpu_id; }
_svmctl_processes() { _svmctl_known stat pid; }

_svmctl_options() {
	case $1 in
	devices | doctor | evict | demo) echo --json --help ;;
	query) echo --pid --pages --json --help ;;
	stat) echo --pid --output --json --help ;;
	events) echo --pid --all --gpu --count --json --help ;;
	prefetch) echo --pid --json --help ;;
	run-packets) echo --gpu --json --help ;;
	esac
}

# _svmctl_arguments COMMAND: what may stand there that is no option.
_svmctl_arguments() {
	case $1 in
	help) echo devices doctor query stat events prefetch evict run-packets demo ;;
	events)
		echo vmfault migrate migrate-start migrate-end page-fault page-fault-start page-fault-end \
			queue queue-eviction queue-restore unmap-from-gpu process process-start process-end
		;;
	prefetch) echo system; _svmctl_devices ;;
	evict) echo all; _svmctl_devices ;;
	esac
}

# Words with commas between: the last one is completed.
_svmctl_columns() {
	local before='' column
	case $1 in
	*,*) before=${1%,*}, ;;
	+*) before=+ ;;
	esac
	for column in all pid command gpu_id faults duplicates services overflows bad_accesses \
		pages_in pages_out migrations pages_mapped pages_unmapped invalidations map_retries \
		tlb_flushes evictions restores packets tables leaves thrash_pins \
		clears_saved; do
		echo "$before$column"
	done
}

_svmctl() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} words

	# Readline takes --pid=1 apart.
	if [ "$current" = = ]; then
		current=
	elif [ "$previous" = = ]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi

	if [ "$COMP_CWORD" = 1 ]; then
		words="devices doctor query stat events prefetch evict run-packets demo help --help --version"
	else
		case $previous in
		--pid | -p) words=$(_svmctl_processes) ;;
		--gpu | -g) words=$(_svmctl_devices) ;;
		--output | -o) words=$(_svmctl_columns "$current") ;;
		--count | -n) words= ;;
		*)
			case $current in
			-*) words=$(_svmctl_options "$command") ;;
			*) words=$(_svmctl_arguments "$command") ;;
			esac
			;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")

	case $command in
	run-packets | demo)
		[ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default 2>/dev/null
		;;
	esac
}
complete -F _svmctl svmctl
