# SPDX-License-Identifier: MIT
#
# Completion of svmctl for fish: commands, options, and what the driver knows of
# devices and processes. A unit test holds it against svmctl --help.

# __svmctl_known COMMAND MEMBER: the values of a member in the JSON of a command.
function __svmctl_known
    svmctl $argv[1] --json 2>/dev/null | string match -rg "\"$argv[2]\": *\"?([0-9a-fx]+)" | sort -u
end
function __svmctl_devices
    __svmctl_known devices index
    __svmctl_known devices gpu_id
end
function __svmctl_processes
    __svmctl_known stat pid
end

function __svmctl_first
    test (count (commandline -opc)) = 1
end
# __svmctl_in COMMAND...: the command line is that of one of them.
function __svmctl_in
    set -l words (commandline -opc)
    test (count $words) -gt 1; and contains -- $words[2] $argv
end

set -l commands devices doctor query stat events prefetch evict run-packets demo

complete -c svmctl -f
complete -c svmctl -n __svmctl_first -a devices -d 'list the devices'
complete -c svmctl -n __svmctl_first -a doctor -d 'check whether this machine can run the driver'
complete -c svmctl -n __svmctl_first -a query -d 'show ranges of a process'
complete -c svmctl -n __svmctl_first -a stat -d 'show what devices did in processes'
complete -c svmctl -n __svmctl_first -a events -d 'print what happens, as it happens'
complete -c svmctl -n __svmctl_first -a prefetch -d 'move memory of a process'
complete -c svmctl -n __svmctl_first -a evict -d 'bring the pages of a device home'
complete -c svmctl -n __svmctl_first -a run-packets -d 'have a device execute a script'
complete -c svmctl -n __svmctl_first -a demo -d 'move the bytes of a file, and prove it'
complete -c svmctl -n __svmctl_first -a help -d 'print help'
complete -c svmctl -n __svmctl_first -l version -s V -d 'print the versions'
complete -c svmctl -l help -s h -d 'print help'

complete -c svmctl -n '__svmctl_in devices doctor query stat events prefetch evict run-packets demo' -l json -s j -d 'print JSON'
complete -c svmctl -n '__svmctl_in query stat events prefetch' -l pid -s p -x -a '(__svmctl_processes)' -d 'the process'
complete -c svmctl -n '__svmctl_in query' -l pages -s P -d 'show single pages'
complete -c svmctl -n '__svmctl_in stat' -l output -s o -x -a 'all pid command gpu_id faults duplicates services overflows bad_accesses pages_in pages_out migrations pages_mapped pages_unmapped invalidations map_retries tlb_flushes evictions restores packets tables leaves thrash_pins clears_saved' -d 'columns'
complete -c svmctl -n '__svmctl_in events' -l all -s a -d 'of all processes'
complete -c svmctl -n '__svmctl_in events' -l count -s n -x -d 'end after so many'
complete -c svmctl -n '__svmctl_in events run-packets' -l gpu -s g -x -a '(__svmctl_devices)' -d 'the device'
complete -c svmctl -n '__svmctl_in events' -a 'vmfault migrate migrate-start migrate-end page-fault page-fault-start page-fault-end queue queue-eviction queue-restore unmap-from-gpu process process-start process-end'
complete -c svmctl -n '__svmctl_in prefetch' -a 'system (__svmctl_devices)'
complete -c svmctl -n '__svmctl_in evict' -a 'all (__svmctl_devices)'
complete -c svmctl -n '__svmctl_in run-packets demo' -F
complete -c svmctl -n '__svmctl_in help' -a "$commands"
