"""An entry on its way from the XML to our files, and what holds here when nothing is said."""

from dataclasses import dataclass, field

from orchestrator.importer.values import Attr, Said
from orchestrator.worktree.entry_limits import Limits

_LIMITS = Limits()
# What holds here when nothing is said; an entry of the XML always has all of it.
DEFAULTS: Said = {
    ("enabled",): True,
    ("comment",): "",
    ("groups",): (),
    ("rsl",): "",
    ("bosco_dir",): "",
    ("work_dir",): ".",
    ("proxy",): "None",
    ("verbosity",): "std",
    ("trust_domain",): "grid",
    ("auth_method",): "grid_proxy",
    ("require_voms",): False,
    ("slot", "layout"): "partitionable",
    ("limits", "entry", "glideins"): _LIMITS.entry.glideins,
    ("limits", "entry", "idle"): _LIMITS.entry.idle,
    ("limits", "entry", "held"): _LIMITS.entry.held,
    ("limits", "default_per_frontend", "glideins"): _LIMITS.share_default.glideins,
    ("limits", "default_per_frontend", "idle"): _LIMITS.share_default.idle,
    ("limits", "default_per_frontend", "held"): _LIMITS.share_default.held,
    ("submit", "cluster_size"): _LIMITS.submit_cluster,
    ("submit", "max_per_cycle"): _LIMITS.submit_cycle,
    ("submit", "sleep_s"): _LIMITS.submit_pause_s,
    ("remove", "max_per_cycle"): _LIMITS.remove_cycle,
    ("remove", "sleep_s"): _LIMITS.remove_pause_s,
    ("remove", "stale_idle_s"): _LIMITS.stale_idle_s,
    ("remove", "stale_running_s"): _LIMITS.stale_running_s,
    ("release", "max_per_cycle"): _LIMITS.release_cycle,
    ("release", "sleep_s"): _LIMITS.release_pause_s,
    ("release", "recoverable"): (),
    ("files",): (),
}


@dataclass
class Imported:
    """One entry; ``remarks`` are the comments that stood at its parts, ``alias`` is its set's name."""

    name: str
    where: str
    said: Said
    remarks: list[str] = field(default_factory=list)
    alias: str = ""

    @property
    def resource(self) -> str:
        """The name under which OSG topology knows where it leads."""
        one = self.said.get(("attributes", "GLIDEIN_ResourceName"))
        return one.value if isinstance(one, Attr) else ""

    @property
    def shares(self) -> list[str]:
        """Each FRONTEND, and FRONTEND:CLASS, that the entry names."""
        return [
            path[-1] if path[0] == "allow_frontends" else path[2]
            for path in self.said
            if path[0] == "allow_frontends" or path[:2] == ("limits", "per_frontend")
        ]
