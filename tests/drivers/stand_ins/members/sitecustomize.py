"""Python runs this before a program: the members of a mix, in processes of their own, begin on the virtual clock."""

import sys

if "isim.profiler.member_process" in sys.orig_argv:
    from virtual_clock import share_as_child, tell_virtual_time

    share_as_child(tell_virtual_time())
