//! A fake provider of models: it speaks HTTP on a loopback port, and says to the byte what a test tells it to.
//!
//! ```text
//! let provider = Provider::start().await;
//! // What is answered from now on, and what just the next request gets:
//! provider.on(Interface::ChatCompletions, canned::chat("Olá!", &canned::chat_usage(20, 3)));
//! provider.once(Interface::ChatCompletions, Script::json(429, &json!({...})).header("retry-after", "7"));
//! provider.on_each(Interface::Embeddings, |received| canned::embeddings(&received.body));
//!
//! // A stream that says one word, waits for the test, and breaks:
//! provider.on(Interface::ChatCompletions, Script::sse().event(&chunk).pause().reset());
//! // ... the server under test asks at provider.url() ...
//! provider.release();
//!
//! assert_eq!(provider.requests()[0].body["model"], "gpt-4o-mini");
//! provider.until(|state| state.left == 1).await; // the client went away in the middle of an answer
//! ```
//!
//! An interface is found by the end of the path, so Azure's paths work too. What has no script is answered 404.
//! Connections are kept alive between answers, as real providers keep them.
//!
//! | To find | Look in |
//! |---|---|
//! | the steps of an answer | [`Script`] |
//! | whole answers and streams in the shapes of OpenAI | [`canned`] |
//! | what a test may wait for | [`State`], [`Provider::until`] |

pub mod canned;
mod script;
mod server;

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ports::language_model::Interface;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

pub use script::Script;

/// The longest that a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The path, without the query.
    pub path: String,
    /// The query; empty without one.
    pub query: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, if it is JSON; null otherwise.
    pub body: Value,
    /// The body, byte by byte.
    pub bytes: Vec<u8>,
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Connections that were made.
    pub connections: usize,
    /// Those that are open.
    pub open: usize,
    /// Requests that were read to their end.
    pub requests: usize,
    /// Answers that were said to their end, whatever that is.
    pub answers: usize,
    /// How many times the client closed the connection while it was being answered.
    pub left: usize,
    /// How many times a script came to a pause.
    pub pauses: usize,
}

type Plan = Arc<dyn Fn(&Received) -> Script + Send + Sync>;

#[derive(Default)]
struct Plans {
    always: BTreeMap<Interface, Plan>,
    once: BTreeMap<Interface, VecDeque<Script>>,
    received: Vec<Received>,
}

struct Shared {
    plans: Mutex<Plans>,
    state: watch::Sender<State>,
    releases: Semaphore,
}

impl Shared {
    fn plans(&self) -> std::sync::MutexGuard<'_, Plans> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the request, and says what it is answered.
    fn script(&self, received: Received) -> Script {
        let mut plans = self.plans();
        let interface = interface(&received.path);
        let next = interface.and_then(|interface| plans.once.get_mut(&interface)?.pop_front());
        let plan = interface.and_then(|interface| plans.always.get(&interface).cloned());
        plans.received.push(received.clone());
        drop(plans);
        next.or_else(|| plan.map(|plan| plan(&received))).unwrap_or_else(canned::not_found)
    }
}

fn interface(path: &str) -> Option<Interface> {
    let ends = [
        ("/chat/completions", Interface::ChatCompletions),
        ("/responses", Interface::Responses),
        ("/embeddings", Interface::Embeddings),
    ];
    ends.into_iter().find(|(end, _)| path.ends_with(end)).map(|(_, interface)| interface)
}

/// A running fake, which stops with the last of its handles.
#[derive(Clone)]
pub struct Provider(Arc<Running>);

struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Provider {
    /// Starts one on a free port, without scripts.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared {
            plans: Mutex::default(),
            state: watch::Sender::new(State::default()),
            releases: Semaphore::new(0),
        });
        let server = tokio::spawn(server::serve(listener, Arc::clone(&shared))).abort_handle();
        Self(Arc::new(Running { address, shared, server }))
    }

    /// An address, in the form of [`Provider::url`], where nobody listens.
    pub async fn nowhere() -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        format!("http://{}/v1", listener.local_addr().expect("a bound address"))
    }

    /// What the protocol's paths are appended to: `http://127.0.0.1:port/v1`.
    pub fn url(&self) -> String {
        format!("{}/v1", self.origin())
    }

    /// `http://127.0.0.1:port`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// Answers every request for this interface with this script, until told otherwise.
    pub fn on(&self, interface: Interface, script: Script) {
        self.on_each(interface, move |_| script.clone());
    }

    /// Answers every request for this interface with the script that is made for it.
    pub fn on_each(&self, interface: Interface, make: impl Fn(&Received) -> Script + Send + Sync + 'static) {
        self.0.shared.plans().always.insert(interface, Arc::new(make));
    }

    /// Answers the next request for this interface with this script; called again, the one after it.
    pub fn once(&self, interface: Interface, script: Script) {
        self.0.shared.plans().once.entry(interface).or_default().push_back(script);
    }

    /// Lets one script pass its pause: the one that waits, or the next that comes to one.
    pub fn release(&self) {
        self.0.shared.releases.add_permits(1);
    }

    /// The requests so far, oldest first.
    pub fn requests(&self) -> Vec<Received> {
        self.0.shared.plans().received.clone()
    }

    /// What happened so far.
    pub fn state(&self) -> State {
        *self.0.shared.state.borrow()
    }

    /// Waits until it is so; panics after 20 seconds.
    pub async fn until(&self, is_so: impl FnMut(&State) -> bool) -> State {
        let mut states = self.0.shared.state.subscribe();
        let state = timeout(PATIENCE, states.wait_for(is_so)).await;
        let state = state.unwrap_or_else(|_| panic!("it did not happen; so far: {:?}", self.state()));
        *state.expect("the state is kept as long as the handle")
    }
}
