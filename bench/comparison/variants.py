"""What a program can be run under: an allocator, and a profiler in front of it or none."""

from dataclasses import dataclass, field

from . import machine


@dataclass(frozen=True)
class Variant:
    key: str
    title: str
    allocator: str                            # glibc, jemalloc, tcmalloc
    preload: tuple = ()                       # in the order of LD_PRELOAD, the allocator last
    environment: dict = field(default_factory=dict)   # {folder} stands for the run's scratch folder
    base: str = ""                            # the variant it is divided by; empty: it is a base itself
    peer: bool = False                        # another project's
    slowness: int = 1                         # roughly how many times slower: so many fewer operations are run

    def missing(self):
        """The first file that is not there, or None."""
        return next((str(path) for path in self.preload if not path.exists()), None)

    def environ(self, folder):
        values = {name: value.format(folder=folder) for name, value in self.environment.items()}
        if self.preload:
            values["LD_PRELOAD"] = ":".join(str(path) for path in self.preload)
        values["WRACKLINE_OUT"] = str(folder)
        return values


def _with(allocator, library):
    """No tool, the floor and wrackline, in front of one allocator."""
    behind = () if library is None else (library,)
    none = f"{allocator}/none"
    return [
        Variant(none, "no tool", allocator, behind),
        Variant(f"{allocator}/forward", "forward only", allocator, (machine.FORWARD_ONLY, *behind), base=none),
        wrackline(allocator, "never", "1t", behind),
        wrackline(allocator, "512k", "512k", behind),
    ]


def wrackline(allocator, name, interval, behind=None):
    if behind is None:
        behind = {"glibc": (), "jemalloc": (machine.JEMALLOC,)}[allocator]
    title = "wrackline, never samples" if name == "never" else f"wrackline, {interval}"
    return Variant(f"{allocator}/{name}", title, allocator, (machine.PRELOAD, *behind),
                   {"WRACKLINE_INTERVAL": interval}, base=f"{allocator}/none")


def _async_profiler(allocator, behind, suffix, options, slowness):
    return Variant(f"{allocator}/async-profiler{suffix}", f"async-profiler 4.4 nativemem=512k{options}", allocator,
                   (machine.ASYNC_PROFILER, *behind),
                   {"ASPROF_COMMAND": "start,nativemem=512k" + options + ",file={folder}/profile.jfr"},
                   base=f"{allocator}/none", peer=True, slowness=slowness)


def _heaptrack(allocator, behind):
    return Variant(f"{allocator}/heaptrack", "heaptrack 1.4", allocator, (machine.HEAPTRACK, *behind),
                   {"DUMP_HEAPTRACK_OUTPUT": "{folder}/heaptrack.raw"}, base=f"{allocator}/none", peer=True, slowness=16)


ALL = [
    *_with("glibc", None),
    _async_profiler("glibc", (), "", "", 16),
    _async_profiler("glibc", (), "-nofree", ",nofree", 1),
    _heaptrack("glibc", ()),
    *_with("jemalloc", machine.JEMALLOC),
    Variant("jemalloc/prof", "jemalloc 5.3.0's own profiler, 512k", "jemalloc", (machine.JEMALLOC,),
            {"MALLOC_CONF": "prof:true,prof_active:true,lg_prof_sample:19"}, base="jemalloc/none", peer=True),
    _async_profiler("jemalloc", (machine.JEMALLOC,), "", "", 16),
    _heaptrack("jemalloc", (machine.JEMALLOC,)),
    Variant("tcmalloc/none", "no tool", "tcmalloc", (machine.TCMALLOC,), peer=True),
    Variant("tcmalloc/sampled", "gperftools 2.10's sampling, 512k", "tcmalloc", (machine.TCMALLOC,),
            {"TCMALLOC_SAMPLE_PARAMETER": "524288"}, base="tcmalloc/none", peer=True),
]
BY_KEY = {variant.key: variant for variant in ALL}
