"""All metrics there are, by name; what they are taken from is in :mod:`orchestrator.monitor.metrics`.

Times are epoch seconds, of which PromQL makes ages: ``time() - …``. Counters only grow.
"""

from typing import Literal

from orchestrator.monitor.openmetrics import Family

_ALL: list[Family] = []


def _family(kind: Literal["gauge", "counter", "info"], name: str, about: str) -> Family:
    made = Family("_".join(filter(None, ("glidein_factory", name))), kind, about)
    _ALL.append(made)
    return made


def _gauge(name: str, about: str) -> Family:
    return _family("gauge", name, about)


def _counter(name: str, about: str) -> Family:
    return _family("counter", name, about)


# --- the factory ---------------------------------------------------------------------------------

FACTORY = _family("info", "", "Which factory this is.")
UP = _gauge("up", "Whether the Factory daemon runs.")
STARTED = _gauge("start_timestamp_seconds", "When the factory was started.")
PROBLEMS = _gauge("problems", "How many things are wrong, all together.")
GLIDEINS = _gauge("glideins", "Glideins of all entries of which they are known, by kind.")
GLIDEINS_MAX = _gauge("glideins_limit", "Glideins that the whole factory may have.")
ASKED_IDLE = _gauge("requested_idle_glideins", "Idle glideins asked for in all entries.")
ASKED_MAX = _gauge("requested_max_glideins", "Glideins at most asked for in all entries.")
ENTRIES = _gauge("entries", "Entries.")
UNTOLD = _gauge("untold_entries", "Entries that have told nothing yet.")
UNKNOWN = _gauge("unknown_entries", "Entries whose numbers are not of now.")
DAEMONS = _gauge("daemons", "Daemons of entries by state.")
TOLD = _gauge("told_timestamp_seconds", "When the Factory daemon told of itself last.")
VIEW = _gauge("view_timestamp_seconds", "When a view that entries share was taken.")
VIEW_FAILED = _gauge("view_failed", "Whether the last look for a shared view failed.")
WRITTEN = _gauge("written_timestamp_seconds", "When these numbers were written.")
EVERY = _gauge("write_interval_seconds", "How often these numbers are to be written.")
TOOK = _gauge("write_duration_seconds", "How long it took to write them the last time.")
SIGN = _gauge("daemon_sign_timestamp_seconds", "When a daemon of the factory gave a sign.")
CYCLE = _gauge("daemon_cycle_seconds", "How long the last cycle of the daemon took.")
DAEMON_ACCIDENTS = _gauge("daemon_accidents", "How often the daemon died lately.")
EXPIRES = _gauge(
    "credential_expiry_timestamp_seconds", "When the first credential of a client ends."
)
HEARD = _gauge("client_heard_timestamp_seconds", "When requests of a client last came.")

# --- a Frontend, over all entries; "" are those that are not known here --------------------------

FRONTEND_ENTRIES = _gauge("frontend_entries", "Entries of which a Frontend asks something.")
FRONTEND_REQUESTS = _gauge("frontend_requests", "Requests of a Frontend.")
FRONTEND_REFUSED = _gauge("frontend_refused_requests", "Requests that are not served.")
FRONTEND_IDLE = _gauge("frontend_requested_idle_glideins", "Idle glideins it asks for.")
FRONTEND_MAX = _gauge("frontend_requested_max_glideins", "Glideins at most, as it asks.")
FRONTEND_GLIDEINS = _gauge("frontend_glideins", "Glideins of a Frontend, by kind.")
FRONTEND_HEARD = _gauge("frontend_heard_timestamp_seconds", "When it was last heard.")

# --- an entry ------------------------------------------------------------------------------------

ENTRY_UP = _gauge("entry_up", "Whether the daemon of the entry runs.")
ENTRY_ACCIDENTS = _gauge(
    "entry_accidents", "How often the daemon of the entry died lately."
)
ENTRY_CYCLE = _gauge("entry_cycle_seconds", "How long its last cycle took.")
ENTRY_SIGN = _gauge("entry_sign_timestamp_seconds", "When its daemon gave a sign.")
ENTRY_PROBLEMS = _gauge("entry_problems", "Steps of the daemon that fail.")
ENTRY_DECIDED = _gauge("entry_decision_timestamp_seconds", "When it last decided anew.")
ENTRY_ADVERTISED = _gauge("entry_advertised_timestamp_seconds", "When it last advertised.")
ENTRY_FRESH = _gauge("entry_view_fresh", "Whether its last decision could trust a view.")
ENTRY_VIEW = _gauge(
    "entry_view_timestamp_seconds", "When a view it decided from was taken."
)
ENTRY_GLIDEINS = _gauge("entry_glideins", "Glideins in the queue by state.")
ENTRY_KINDS = _gauge("entry_glideins_by_kind", "Glideins as limits count them.")
ENTRY_ASKED_IDLE = _gauge("entry_requested_idle_glideins", "Idle glideins asked for.")
ENTRY_ASKED_MAX = _gauge("entry_requested_max_glideins", "Glideins at most, as asked.")
ENTRY_REQUESTS = _gauge("entry_requests", "Requests that Frontends make.")
ENTRY_REFUSED = _gauge("entry_refused_requests", "Requests that are not served.")
ENTRY_DECISION = _gauge("entry_decision_glideins", "Glideins the last decision acts on.")
ENTRY_WANTED = _gauge("entry_wanted_glideins", "The same without what one cycle may do.")
ENTRY_DOWN = _gauge("entry_down", "Whether the entry is in downtime.")
ENTRY_DOWNTIMES = _gauge("entry_downtimes", "Downtimes that concern it, now or later.")
ENTRY_DOWN_START = _gauge("entry_downtime_start_timestamp_seconds", "When the first began.")
ENTRY_DOWN_END = _gauge(
    "entry_downtime_end_timestamp_seconds", "When the last of them ends."
)
ENTRY_STOPPED = _gauge("entry_stop_list_lines", "Lines of the stop list that mean it.")
ENTRY_BACKOFF = _gauge("entry_backoff", "Frontends and classes waiting after failures.")
ENTRY_BACKOFF_END = _gauge("entry_backoff_end_timestamp_seconds", "Until when they wait.")
ENTRY_BACKOFF_LEVEL = _gauge("entry_backoff_level", "How often they failed in a row.")
ENTRY_LIMIT = _gauge("entry_limit", "What a limit of the entry allows.")
ENTRY_USED = _gauge("entry_limit_used", "What counts against a limit of the entry.")
SHARE_LIMIT = _gauge("share_limit", "What a limit of a Frontend and class allows there.")
SHARE_USED = _gauge("share_limit_used", "What counts against a limit of these.")
ENTRY_HELD = _gauge("entry_held_glideins", "Held glideins by the code of the hold.")
ENTRY_CURABLE = _gauge("entry_curable_held_glideins", "Those that a release may cure.")
ENTRY_HELD_OLDEST = _gauge(
    "entry_held_oldest_timestamp_seconds", "When the first was held."
)
ENTRY_HELD_NEWEST = _gauge("entry_held_newest_timestamp_seconds", "When the last was held.")

# --- a client at an entry ------------------------------------------------------------------------

CLIENT_IDLE = _gauge("client_requested_idle_glideins", "Idle glideins a client asks for.")
CLIENT_MAX = _gauge("client_requested_max_glideins", "Glideins at most, as a client asks.")
CLIENT_GLIDEINS = _gauge("client_glideins", "Glideins of a client at an entry, by kind.")
CLIENT_DECISION = _gauge("client_decision_glideins", "Glideins decided on for a client.")

# --- what ended: of a Frontend at an entry -------------------------------------------------------

ENDED = _counter("entry_ended_glideins", "Glideins that ended, by result.")
FAILED = _counter("entry_failed_glideins", "Glideins that failed, by cause.")
EARLY = _counter(
    "entry_early_failed_glideins", "Those that failed before they were of use."
)
LAUNCHED = _counter("entry_launched_glideins", "Glideins that ended and started HTCondor.")
JOBS = _counter("entry_jobs", "Jobs that ran in glideins that ended.")
SECONDS = _counter("entry_glidein_seconds", "Where the time of ended glideins went.")
MEASURED = _counter("entry_measured_glideins", "Of how many glideins that time is known.")

FAMILIES = tuple(_ALL)
