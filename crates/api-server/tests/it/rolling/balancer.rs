//! A balancer as there are many: passes connections on to servers whose `/readyz` answers 200, in turn.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Client;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How often servers are asked.
const CHECK: Duration = Duration::from_millis(50);

pub struct Balancer {
    pub url: String,
    servers: Arc<Servers>,
    /// Ends when the balancer is dropped.
    _work: JoinSet<()>,
}

struct Servers {
    /// Addresses, and whether they were ready when they were asked last.
    known: Mutex<Vec<(String, bool)>>,
    turn: AtomicUsize,
}

impl Balancer {
    pub async fn start(urls: [String; 2]) -> Self {
        let known = Mutex::new(urls.map(|url| (url, false)).to_vec());
        let servers = Arc::new(Servers { known, turn: AtomicUsize::new(0) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut work = JoinSet::new();
        work.spawn(check(Arc::clone(&servers)));
        work.spawn(accept(listener, Arc::clone(&servers)));
        Self { url, servers, _work: work }
    }

    /// Whether connections go there.
    pub fn uses(&self, url: &str) -> bool {
        self.servers.known.lock().unwrap().iter().any(|(known, ready)| known == url && *ready)
    }

    /// Another server is to take this one's place, once it is ready.
    pub fn replace(&self, old: &str, new: &str) {
        let mut known = self.servers.known.lock().unwrap();
        let place = known.iter_mut().find(|(known, _)| known == old).unwrap();
        *place = (new.to_owned(), false);
    }
}

async fn check(servers: Arc<Servers>) {
    let client = Client::builder().timeout(Duration::from_millis(500)).build().unwrap();
    loop {
        let urls: Vec<String> = servers.known.lock().unwrap().iter().map(|(url, _)| url.clone()).collect();
        for url in urls {
            let answer = client.get(format!("{url}/readyz")).send().await;
            let ready = answer.is_ok_and(|answer| answer.status() == 200);
            let mut known = servers.known.lock().unwrap();
            if let Some(place) = known.iter_mut().find(|(known, _)| *known == url) {
                place.1 = ready;
            }
        }
        tokio::time::sleep(CHECK).await;
    }
}

async fn accept(listener: TcpListener, servers: Arc<Servers>) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        connections.spawn(pass_on(client, Arc::clone(&servers)));
    }
}

async fn pass_on(mut client: TcpStream, servers: Arc<Servers>) {
    let ready: Vec<String> = {
        let known = servers.known.lock().unwrap();
        known.iter().filter(|(_, ready)| *ready).map(|(url, _)| url.clone()).collect()
    };
    let turn = servers.turn.fetch_add(1, Ordering::Relaxed);
    let Some(url) = ready.get(turn.checked_rem(ready.len()).unwrap_or(0)) else { return };
    let address = url.trim_start_matches("http://");
    if let Ok(mut server) = TcpStream::connect(address).await {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
