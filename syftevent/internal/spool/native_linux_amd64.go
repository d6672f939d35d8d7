package spool

import "syscall"

const sysFstatat = syscall.SYS_NEWFSTATAT
