//! The list.

use super::{Family, Tag, Values};

/// From half a millisecond to ten seconds.
const SHORT: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// From five milliseconds to five minutes.
const LONG: &[f64] = &[0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0];
/// From one to a full batch.
const POWERS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

const KIND: Tag = Tag { name: "kind", values: Values::Kinds };
const ROUTE: Tag = Tag::open("route");
const METHOD: Tag = Tag::open("method");
const MODEL: Tag = Tag::open("model");
const UPSTREAM: Tag = Tag::open("upstream");
const TASK: Tag = Tag::open("task");
const MODE: Tag = Tag::of("mode", &["whole", "stream"]);

/// Results of asking for a hold.
pub const HOLD_RESULTS: &[&str] = &[
    "held",
    "replayed",
    "suspended",
    "key_in_progress",
    "key_mismatch",
    "answer_not_kept",
    "no_credits",
    "insufficient_credits",
    "api_key_ended",
    "api_key_cap_reached",
    "rate_limited",
    "exceeds_limit",
    "refused",
    "unavailable",
];

pub const HTTP_REQUESTS: Family = Family::counter(
    "saldo_http_requests_total",
    &[ROUTE, METHOD, Tag::of("status", &["1xx", "2xx", "3xx", "4xx", "5xx"])],
    "HTTP requests that were answered, by the pattern of their route.",
);
pub const HTTP_DURATION: Family = Family::histogram(
    "saldo_http_request_duration_seconds",
    LONG,
    &[ROUTE, METHOD],
    "Time from a request's head to its answer's head; a stream goes on after that.",
);
pub const HTTP_IN_FLIGHT: Family =
    Family::gauge("saldo_http_requests_in_flight", &[], "HTTP requests whose answer has not begun.");

pub const HOLDS: Family = Family::counter(
    "saldo_holds_total",
    &[KIND, Tag::of("result", HOLD_RESULTS)],
    "Holds that were asked for, by what came of it; replayed is an answer kept under an idempotency key.",
);
pub const AI_REQUESTS: Family = Family::counter(
    "saldo_ai_requests_total",
    &[KIND, Tag { name: "outcome", values: Values::Outcomes }],
    "AI requests that ended after their hold; all but settled are free.",
);
pub const AI_RUNNING: Family = Family::gauge(
    "saldo_ai_requests_running",
    &[],
    "AI requests that are being worked on, streams and those whose client left included.",
);
pub const CREDITS_CHARGED: Family =
    Family::counter("saldo_credits_charged_total", &[KIND], "Credits charged for AI requests.");
pub const CREDITS_ABSORBED: Family = Family::counter(
    "saldo_credits_absorbed_total",
    &[KIND],
    "Credits that AI requests came to above their hold, borne by the house.",
);
pub const TOKENS: Family = Family::counter(
    "saldo_tokens_total",
    &[MODEL, Tag::of("type", &["input", "cached_input", "output", "reasoning"])],
    "Tokens of settled requests; the types do not overlap.",
);
pub const COST: Family = Family::counter(
    "saldo_provider_cost_nano_usd_total",
    &[MODEL],
    "What the provider charges for settled requests, in billionths of a dollar.",
);
pub const SETTLED_LATER: Family = Family::counter(
    "saldo_settlements_deferred_total",
    &[],
    "Answers that were delivered while the store was away, to be settled later.",
);
pub const RELEASED: Family = Family::counter(
    "saldo_holds_released_total",
    &[],
    "Holds given back in the background, because their request broke off or the store did not answer.",
);

pub const MODEL_CALLS: Family = Family::counter(
    "saldo_model_calls_total",
    &[
        MODEL,
        MODE,
        Tag::of(
            "result",
            &[
                "ok",
                "unreachable",
                "key_refused",
                "limited",
                "resting",
                "rejected",
                "failed",
                "unusable",
                "timed_out",
                "interrupted",
                "left",
            ],
        ),
    ],
    "Calls of language models, by how they ended; left is a stream that was not read to its end.",
);
pub const MODEL_DURATION: Family = Family::histogram(
    "saldo_model_call_duration_seconds",
    LONG,
    &[MODEL, MODE],
    "Time from asking a language model to the end of its answer.",
);
pub const FIRST_TOKEN: Family = Family::histogram(
    "saldo_model_first_token_seconds",
    LONG,
    &[MODEL],
    "Time from asking a language model for a stream to the first piece with output.",
);
pub const UPSTREAM_REQUESTS: Family =
    Family::counter("saldo_upstream_requests_total", &[UPSTREAM], "Requests sent to a provider of models.");
pub const UPSTREAM_FAILURES: Family = Family::counter(
    "saldo_upstream_failures_total",
    &[UPSTREAM],
    "Requests that failed by the fault of a provider of models.",
);
pub const UPSTREAM_LATENCY: Family = Family::gauge(
    "saldo_upstream_latency_seconds",
    &[UPSTREAM],
    "Mean time to the first byte of a provider's latest answers; NaN before the first.",
);
/// The states of a provider.
pub const UPSTREAM_STATES: &[&str] = &["healthy", "trying", "broken", "resting", "simulated"];
pub const UPSTREAM_STATE: Family = Family::gauge(
    "saldo_upstream_state",
    &[UPSTREAM, Tag::of("state", UPSTREAM_STATES)],
    "1 for the state that a provider of models is in: broken gets no requests, resting asked us to wait.",
);

pub const QUEUE_WAIT: Family = Family::histogram(
    "saldo_ledger_queue_wait_seconds",
    SHORT,
    &[],
    "Time that a command waited for the writer.",
);
pub const BATCH: Family =
    Family::histogram("saldo_ledger_batch_commands", POWERS, &[], "Commands in a transaction.");
pub const TRANSACTION: Family = Family::histogram(
    "saldo_ledger_transaction_duration_seconds",
    SHORT,
    &[Tag::of("result", &["committed", "rejected", "outage"])],
    "Time that a transaction of the writer took; a rejected one is split, an outage is tried again.",
);
pub const QUEUE: Family =
    Family::gauge("saldo_ledger_queue_commands", &[], "Commands that wait for the writer.");
pub const QUEUE_CAPACITY: Family = Family::gauge(
    "saldo_ledger_queue_capacity_commands",
    &[],
    "The most commands that may wait; one more is answered with 503.",
);
pub const DEFERRED_NOW: Family = Family::gauge(
    "saldo_ledger_deferred_commands",
    &[],
    "Commands in memory that nobody waits for and that are not done yet.",
);
pub const TURNED_AWAY: Family = Family::counter(
    "saldo_ledger_turned_away_total",
    &[],
    "Commands that were turned away because the queue was full.",
);
pub const REJECTED: Family = Family::counter(
    "saldo_ledger_rejected_total",
    &[],
    "Commands that the store rejected: a constraint, or a corrupt row. The log has the reason.",
);
pub const DEFERRED: Family =
    Family::counter("saldo_ledger_deferred_total", &[], "Commands that came and nobody waits for.");
pub const GIVEN_UP: Family = Family::counter(
    "saldo_ledger_given_up_total",
    &[],
    "Commands that nobody waited for and that were given up after 15 minutes without the store.",
);

pub const ACCOUNTS: Family = Family::gauge("saldo_accounts", &[], "Accounts that there are.");
pub const OUTSTANDING: Family = Family::gauge(
    "saldo_credits_outstanding",
    &[],
    "Credits that users have and have not spent, held ones included.",
);
pub const OWED: Family =
    Family::gauge("saldo_credits_owed", &[], "Credits that were clawed back after they were spent.");
pub const HELD: Family = Family::gauge("saldo_credits_held", &[], "Credits in open holds.");
pub const OPEN_HOLDS: Family = Family::gauge("saldo_holds_open", &[], "Open holds, of all servers.");
pub const FIGURES_AT: Family = Family::gauge(
    "saldo_books_read_timestamp_seconds",
    &[],
    "When the figures over all books were read; 0 before the first time.",
);
pub const EVENTS_PENDING: Family = Family::gauge(
    "saldo_inbox_events_pending",
    &[],
    "Events of the payment provider that are kept and not worked off.",
);
pub const EVENTS_AGE: Family = Family::gauge(
    "saldo_inbox_oldest_event_age_seconds",
    &[],
    "Age of the oldest pending event; 0 when none is.",
);
pub const EVENTS: Family = Family::counter(
    "saldo_inbox_events_total",
    &[Tag::of("state", &["done", "ignored", "pending", "parked"])],
    "Events that this server worked on, by what became of them; a parked one needs a human.",
);
pub const LOOKUPS_DUE: Family =
    Family::gauge("saldo_purchase_lookups_due", &[], "Purchases without news whose next look-up has come.");
pub const LOOKUPS_AGE: Family = Family::gauge(
    "saldo_purchase_oldest_lookup_age_seconds",
    &[],
    "How long the oldest of them has been due; 0 when none is.",
);
pub const PURCHASES_PARKED: Family =
    Family::counter("saldo_purchases_parked_total", &[], "Purchases whose look-up found what needs a human.");
pub const NOTICES_WAITING: Family =
    Family::gauge("saldo_outbox_notices_waiting", &[], "Notices that were not sent yet.");
pub const NOTICES_AGE: Family = Family::gauge(
    "saldo_outbox_oldest_notice_age_seconds",
    &[],
    "Age of the oldest of them; 0 when there is none.",
);
pub const CURSOR_AGE: Family = Family::gauge(
    "saldo_reconciler_cursor_age_seconds",
    &[],
    "How far the reconciler is behind the payment provider's list of events; 0 where nothing is reconciled.",
);

pub const SPOOL: Family = Family::gauge(
    "saldo_spool_files",
    &[Tag::of("state", &["waiting", "unreadable"])],
    "Settlements on disk: those that wait for the store, and those that cannot be read.",
);
pub const LEASE: Family =
    Family::gauge("saldo_lease_in_force", &[], "1 while this server's lease is in force, else 0.");
pub const DRAINING: Family =
    Family::gauge("saldo_draining", &[], "1 while this server is shutting down, else 0.");
pub const JOB_RUNS: Family = Family::counter(
    "saldo_job_runs_total",
    &[TASK, Tag::of("result", &["ok", "failed"])],
    "Runs of background jobs.",
);
pub const JOB_LAST_SUCCESS: Family = Family::gauge(
    "saldo_job_last_success_timestamp_seconds",
    &[TASK],
    "When a background job last did its work.",
);
pub const BUILD: Family = Family::gauge(
    "saldo_build_info",
    &[Tag::open("version"), Tag::open("store")],
    "Always 1: which version runs, on which store.",
);

pub const RESIDENT: Family = Family::rendered("process_resident_memory_bytes", "gauge", "Resident memory.");
pub const VIRTUAL: Family = Family::rendered("process_virtual_memory_bytes", "gauge", "Virtual memory.");
pub const CPU: Family = Family::rendered(
    "process_cpu_seconds_total",
    "counter",
    "Processor time, of the program and of the system for it.",
);
pub const OPEN_FILES: Family = Family::rendered("process_open_fds", "gauge", "Open file descriptors.");
pub const MOST_FILES: Family =
    Family::rendered("process_max_fds", "gauge", "The most file descriptors that may be open.");
pub const THREADS: Family = Family::rendered("process_threads", "gauge", "Threads.");
pub const STARTED: Family =
    Family::rendered("process_start_time_seconds", "gauge", "When the process started, since 1970.");

/// All of them.
pub const ALL: &[&Family] = &[
    &HTTP_REQUESTS,
    &HTTP_DURATION,
    &HTTP_IN_FLIGHT,
    &HOLDS,
    &AI_REQUESTS,
    &AI_RUNNING,
    &CREDITS_CHARGED,
    &CREDITS_ABSORBED,
    &TOKENS,
    &COST,
    &SETTLED_LATER,
    &RELEASED,
    &MODEL_CALLS,
    &MODEL_DURATION,
    &FIRST_TOKEN,
    &UPSTREAM_REQUESTS,
    &UPSTREAM_FAILURES,
    &UPSTREAM_LATENCY,
    &UPSTREAM_STATE,
    &QUEUE_WAIT,
    &BATCH,
    &TRANSACTION,
    &QUEUE,
    &QUEUE_CAPACITY,
    &DEFERRED_NOW,
    &TURNED_AWAY,
    &REJECTED,
    &DEFERRED,
    &GIVEN_UP,
    &ACCOUNTS,
    &OUTSTANDING,
    &OWED,
    &HELD,
    &OPEN_HOLDS,
    &FIGURES_AT,
    &EVENTS_PENDING,
    &EVENTS_AGE,
    &EVENTS,
    &LOOKUPS_DUE,
    &LOOKUPS_AGE,
    &PURCHASES_PARKED,
    &NOTICES_WAITING,
    &NOTICES_AGE,
    &CURSOR_AGE,
    &SPOOL,
    &LEASE,
    &DRAINING,
    &JOB_RUNS,
    &JOB_LAST_SUCCESS,
    &BUILD,
    &RESIDENT,
    &VIRTUAL,
    &CPU,
    &OPEN_FILES,
    &MOST_FILES,
    &THREADS,
    &STARTED,
];
