//! P8: resident memory of the real server, idle and under load.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Client;
use tokio::task::JoinSet;

use crate::Result;
use crate::cpu;
use crate::database::Database;
use crate::measure::{Run, Spread, count, number};
use crate::options::Options;
use crate::report::{Section, Target};
use crate::server::{Home, Server};

/// Connections that ask at the same time.
const CONNECTIONS: usize = 32;
/// How long the server is left alone before its idle memory is read.
const REST: Duration = Duration::from_secs(2);
/// More than all requests can cost.
const CREDITS: &str = "100000000";
const QUESTION: &str = r#"{"message":"Como posso economizar este mês?"}"#;

const MEBIBYTE: f64 = 1_048_576.0;

/// P8.
pub async fn resident(options: &Options) -> Result<Section> {
    let mut section =
        Section::new("P8", "Resident memory of the server, idle and under POST /api/ai-assistant");
    section.line("| store | idle MiB | most under load MiB | requests/s | p50 ms | p99 ms | CPU µs per request: server | Postgres |");
    section.line("|---|---|---|---|---|---|---|---|");
    let directory = tempfile::Builder::new().prefix("saldo-benchmark-").tempdir()?;
    let sqlite = format!("sqlite://{}", directory.path().join("saldo.db").display());
    let postgres = Database::fresh().await?;
    let mut verdicts = Vec::new();
    for (store, url, head) in [("SQLite", sqlite.as_str(), None), ("Postgres", postgres.url(), postgres.head)]
    {
        let home = Home::new(&options.api_server, directory.path(), url)?;
        let seen = on_store(options, &home, head).await?;
        section.line(row(store, &seen));
        verdicts.push((store, seen));
    }
    section.line("");
    section.line("32 connections, the simulated model (it answers at once), one user, limits off.\n");
    for (store, seen) in verdicts {
        for fault in seen.faults {
            section.fault(format!("{store}: {fault}"));
        }
        section.line(format!("Verified, {store}: {}.\n", seen.verified));
        let (idle, loaded) = (Target::Within(40.0, "MiB"), Target::Within(150.0, "MiB"));
        section.verdict(&format!("idle on {store}"), idle, Spread::of([seen.idle]));
        section.verdict(&format!("most under load on {store}"), loaded, Spread::of([seen.most]));
    }
    Ok(section)
}

/// Memory in MiB.
struct Seen {
    idle: f64,
    most: f64,
    run: Run,
    verified: String,
    faults: Vec<String>,
}

fn row(store: &str, seen: &Seen) -> String {
    let run = &seen.run;
    format!(
        "| {store} | {} | {} | {} | {} | {} | {} | {} |",
        number(seen.idle, 1),
        number(seen.most, 1),
        number(run.per_second(), 0),
        number(run.percentile(50) / 1e3, 2),
        number(run.percentile(99) / 1e3, 2),
        number(run.own_cpu_each(), 0),
        run.server_cpu_each().map_or_else(|| "-".to_owned(), |it| number(it, 0)),
    )
}

async fn on_store(options: &Options, home: &Home, head: Option<u32>) -> Result<Seen> {
    let mut server = home.start().await?;
    let token = server.token().await?;
    tokio::time::sleep(REST).await;
    let idle = cpu::memory(server.pid).ok_or("the server's memory cannot be read")?.0;
    let mut faults = Vec::new();
    let granted = home.cli(&["credits", "grant", "demo-user", CREDITS, "--reason", "bench"])?;
    faults.extend(granted.err());
    let run = load(options, &server, &token, head, &mut faults).await?;
    let most = cpu::memory(server.pid).ok_or("the server's memory cannot be read")?.1;
    server.stop().await?;
    let verified = match home.cli(&["credits", "verify"])? {
        Ok(sentence) => sentence,
        Err(found) => {
            faults.push(found);
            "not sound".to_owned()
        }
    };
    Ok(Seen { idle: count(idle) / MEBIBYTE, most: count(most) / MEBIBYTE, run, verified, faults })
}

async fn load(
    options: &Options,
    server: &Server,
    token: &str,
    head: Option<u32>,
    faults: &mut Vec<String>,
) -> Result<Run> {
    let client = Client::builder().no_proxy().pool_max_idle_per_host(CONNECTIONS).build()?;
    let asking = Arc::new((client, format!("{}/api/ai-assistant", server.address), token.to_owned()));
    let (server_before, postgres_before) = (cpu::of(server.pid), head.map(cpu::of_family));
    let (begun, window) = (Instant::now(), options.load());
    let mut callers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let asking = Arc::clone(&asking);
        callers.spawn(async move {
            let mut latencies = Vec::new();
            while begun.elapsed() < window {
                let asked = Instant::now();
                if let Err(refused) = ask(&asking.0, &asking.1, &asking.2).await? {
                    return Ok::<_, crate::Failure>((latencies, Some(refused)));
                }
                latencies.push(u64::try_from(asked.elapsed().as_micros())?);
            }
            Ok((latencies, None))
        });
    }
    let mut latencies = Vec::new();
    while let Some(ended) = callers.join_next().await {
        let (mut some, refused) = ended??;
        latencies.append(&mut some);
        faults.extend(refused);
    }
    let wall = begun.elapsed();
    let own_cpu = cpu::of(server.pid).saturating_sub(server_before);
    let server_cpu = head.zip(postgres_before).map(|(it, before)| cpu::of_family(it).saturating_sub(before));
    latencies.sort_unstable();
    Ok(Run { done: u64::try_from(latencies.len())?, wall, own_cpu, server_cpu, latencies })
}

async fn ask(client: &Client, address: &str, token: &str) -> Result<std::result::Result<(), String>> {
    let request = client.post(address).bearer_auth(token).header("Content-Type", "application/json");
    let answer = request.body(QUESTION).send().await?;
    let (status, body) = (answer.status(), answer.bytes().await?);
    if status.is_success() {
        return Ok(Ok(()));
    }
    Ok(Err(format!("{status}: {}", String::from_utf8_lossy(&body))))
}
