//! Random acts: small numbers, so that they meet; written down before anything is run, so that the same
//! acts can be run in other batches.

use std::sync::Arc;

use domain::api_keys::{Credential, USUAL_SCOPES};
use domain::clock::{Day, Moment, Span, Timestamp};
use domain::credits::Credits;
use domain::ids::{ApiKeyId, GrantId, HoldId, IdempotencyKey, InstanceId, UserId};
use domain::ledger::account::{Actor, SuspensionSource};
use domain::ledger::command::{
    AdjustRequest, AnswerBody, ClawBackRequest, CloseRequest, Command, Content, CreateApiKeyRequest,
    ExpireRequest, GrantRequest, HoldRequest, KeyedRequest, ResumeRequest, RevokeApiKeyRequest,
    SettleRequest, SuspendRequest, VoidRequest,
};
use domain::ledger::limits::LimitBook;
use domain::ledger::lots::{Source, SourceKind};
use domain::ledger::usage::{Outcome, RequestKind, UsageFacts};
use domain::money::NanoUsd;
use domain::tokens::{TokenUsage, Tokens};
use proptest::prelude::*;
use proptest::sample::Index;

/// Accounts that the acts fall on.
const USERS: u8 = 2;
/// Sources of each user: few, so that they are granted, clawed back and granted again.
const SOURCES: u8 = 5;
const KEYS: u8 = 3;
/// API keys of each user: made anew when one is made again, so some are never there.
const API_KEYS: u8 = 6;

/// One act, before it is known which hold it names.
#[derive(Clone, Debug)]
pub struct Act {
    user: u8,
    /// Seconds since the act before; below zero when the clocks of two servers differ.
    later: i64,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Hold {
        at_least: u8,
        more: u8,
        lasts: u8,
        key: Option<(u8, u8)>,
        api_key: Option<u8>,
        repeat: Option<Index>,
    },
    Settle {
        which: Index,
        charge: u8,
        names_key: bool,
        names_api_key: bool,
        answered: bool,
    },
    Void {
        which: Index,
    },
    Grant {
        source: u8,
        amount: u8,
        due: Option<u8>,
    },
    Adjust {
        source: u16,
        amount: i16,
    },
    ClawBack {
        source: u8,
        returned: u8,
    },
    Suspend {
        source: u8,
    },
    Resume {
        source: u8,
    },
    Expire {
        lost: Vec<Index>,
    },
    CreateApiKey {
        number: u8,
        cap: Option<u8>,
        lasts: Option<u8>,
    },
    RevokeApiKey {
        number: u8,
    },
    Close {
        forfeit: bool,
    },
}

/// A random act. Time mostly creeps, sometimes steps back, and seldom jumps by hours.
pub fn act() -> impl Strategy<Value = Act> {
    let later = prop_oneof![
        8 => Just(0_i64),
        24 => 1_i64..15,
        4 => -3_i64..0,
        4 => 15_i64..100,
        1 => Just(13 * 3600),
    ];
    (0..USERS, later, what()).prop_map(|(user, later, what)| Act { user, later, what })
}

fn what() -> impl Strategy<Value = What> {
    let key = proptest::option::weighted(0.4, (0..KEYS, 0..2_u8));
    let api_key = proptest::option::weighted(0.4, 0..API_KEYS);
    let repeat = proptest::option::weighted(0.05, any::<Index>());
    prop_oneof![
        10 => (1..30_u8, 0..40_u8, 5..200_u8, key, api_key, repeat).prop_map(
            |(at_least, more, lasts, key, api_key, repeat)| What::Hold {
                at_least,
                more,
                lasts,
                key,
                api_key,
                repeat,
            }
        ),
        9 => (any::<Index>(), 0..80_u8, any::<bool>(), proptest::bool::weighted(0.95), any::<bool>()).prop_map(
            |(which, charge, names_key, names_api_key, answered)| What::Settle {
                which,
                charge,
                names_key,
                names_api_key,
                answered,
            }
        ),
        4 => any::<Index>().prop_map(|which| What::Void { which }),
        5 => (0..SOURCES, 0..200_u8, proptest::option::of(1..250_u8))
            .prop_map(|(source, amount, due)| What::Grant { source, amount, due }),
        2 => (0..300_u16, -80..80_i16).prop_map(|(source, amount)| What::Adjust { source, amount }),
        4 => (0..SOURCES, 0..125_u8).prop_map(|(source, returned)| What::ClawBack { source, returned }),
        1 => (0..2_u8).prop_map(|source| What::Suspend { source }),
        2 => (0..2_u8).prop_map(|source| What::Resume { source }),
        1 => proptest::collection::vec(any::<Index>(), 0..2).prop_map(|lost| What::Expire { lost }),
        1 => proptest::bool::weighted(0.2).prop_map(|forfeit| What::Close { forfeit }),
        4 => (0..API_KEYS, proptest::option::of(0..120_u8), proptest::option::weighted(0.3, 20..250_u8))
            .prop_map(|(number, cap, lasts)| What::CreateApiKey { number, cap, lasts }),
        1 => (0..API_KEYS).prop_map(|number| What::RevokeApiKey { number }),
    ]
}

/// The commands of these acts. Holds are named by when they were asked for.
pub fn commands(acts: &[Act]) -> Vec<Command> {
    let mut asked: Vec<HoldRequest> = Vec::new();
    let mut secs = 0;
    let mut commands = Vec::new();
    for (number, act) in (1_u64..).zip(acts) {
        secs += act.later;
        commands.push(command(act, number, moment(secs), &mut asked));
    }
    commands
}

fn command(act: &Act, number: u64, now: Moment, asked: &mut Vec<HoldRequest>) -> Command {
    let user = UserId::from_bytes([act.user + 1; 16]);
    let lot = GrantId::from_bytes(unique(number));
    // Mostly the user's own latest holds; sometimes one that was never asked for.
    let named = |which: &Index| {
        let own: Vec<&HoldRequest> = asked.iter().rev().filter(|hold| hold.user == user).take(6).collect();
        let never = HoldId::for_user(&user, unique(u64::MAX));
        let found = (!own.is_empty()).then(|| own[which.index(own.len())]);
        let api_key = found.and_then(|hold| hold.api_key);
        (found.map_or(never, |hold| hold.id), found.and_then(|hold| hold.key.clone()), api_key)
    };
    let api_key_id = |number: u8| ApiKeyId::for_user(&user, [number + 1; 16]);
    match &act.what {
        What::Hold { at_least, more, lasts, key, api_key, repeat } => {
            let id = match repeat {
                Some(which) => named(which).0,
                None => HoldId::for_user(&user, unique(number)),
            };
            let request = HoldRequest {
                id,
                user,
                at_least: Credits::whole(u32::from(*at_least)),
                at_most: Credits::whole(u32::from(at_least + more)),
                tokens: Tokens::new(100),
                kind: RequestKind::Assistant,
                key: key.map(|(name, asks)| KeyedRequest {
                    key: IdempotencyKey::parse(&format!("key-{name}")).unwrap(),
                    fingerprint: [asks; 32],
                }),
                api_key: api_key.map(api_key_id),
                expires_at: now.at.after(Span::from_secs(u32::from(*lasts))),
                instance: InstanceId::from_bytes([1; 16]),
                limits: Arc::new(LimitBook::unlimited()),
                now,
            };
            asked.push(request.clone());
            Command::Hold(request)
        }
        What::Settle { which, charge, names_key, names_api_key, answered } => {
            let (hold, key, api_key) = named(which);
            let api_key = api_key.filter(|_| *names_api_key);
            let key = key.filter(|_| *names_key).map(|keyed| keyed.key);
            let charge = Credits::whole(u32::from(*charge));
            let answer = answered.then(answer);
            Command::Settle(SettleRequest {
                user,
                hold,
                charge,
                facts: facts(),
                key,
                api_key,
                answer,
                content: answered.then(|| Content { request: "q".to_owned(), response: "a".to_owned() }),
                now,
            })
        }
        What::Void { which } => {
            let (hold, ..) = named(which);
            Command::Void(VoidRequest { user, hold, outcome: Outcome::Abandoned, facts: facts(), now })
        }
        What::Grant { source, amount, due } => Command::Grant(GrantRequest {
            id: lot,
            user,
            source: purchase(*source),
            amount: Credits::whole(u32::from(*amount)),
            expires_at: due.map(|secs| now.at.after(Span::from_secs(u32::from(secs)))),
            plan: None,
            actor: Actor::system(),
            note: None,
            now,
        }),
        What::Adjust { source, amount } => Command::Adjust(AdjustRequest {
            id: lot,
            user,
            source: Source::new(SourceKind::Manual, source.to_string()),
            amount: Credits::new(i64::from(*amount)).unwrap(),
            actor: Actor::operator(),
            note: Some("why".to_owned()),
            now,
        }),
        What::ClawBack { source, returned } => Command::ClawBack(ClawBackRequest {
            id: lot,
            user,
            source: purchase(*source),
            paid_minor: 100,
            returned_minor: i64::from(*returned),
            actor: Actor::system(),
            now,
        }),
        What::Suspend { source } => Command::Suspend(SuspendRequest {
            user,
            source: suspension(*source),
            actor: Actor::operator(),
            reason: "why".to_owned(),
            now,
        }),
        What::Resume { source } => Command::Resume(ResumeRequest {
            user,
            source: suspension(*source),
            actor: Actor::operator(),
            now,
        }),
        What::Expire { lost } => {
            let lost = lost.iter().map(|which| named(which).0).collect();
            Command::Expire(ExpireRequest { user, lost, now })
        }
        What::Close { forfeit } => {
            Command::Close(CloseRequest { user, forfeit: *forfeit, actor: Actor::user(&user), now })
        }
        What::CreateApiKey { number, cap, lasts } => {
            let id = api_key_id(*number);
            let credential = Credential::new(id, [*number; 32]);
            Command::CreateApiKey(Box::new(CreateApiKeyRequest {
                id,
                user,
                name: "a program".to_owned(),
                prefix: credential.prefix(),
                secret: credential.hash(),
                scopes: USUAL_SCOPES.to_vec(),
                spend_cap: cap.map(|cap| Credits::whole(u32::from(cap))),
                expires_at: lasts.map(|secs| now.at.after(Span::from_secs(u32::from(secs)))),
                now,
            }))
        }
        What::RevokeApiKey { number } => {
            Command::RevokeApiKey(RevokeApiKeyRequest { id: api_key_id(*number), user, now })
        }
    }
}

/// So many seconds after noon of a day long ago.
pub fn moment(secs: i64) -> Moment {
    const DAY: i64 = 86_400;
    let secs = 20_000 * DAY + DAY / 2 + secs;
    let day = secs.div_euclid(DAY);
    let at = |secs: i64| Timestamp::from_micros(secs * 1_000_000);
    Moment { at: at(secs), day: Day::from_days(i32::try_from(day).unwrap()), day_ends: at((day + 1) * DAY) }
}

fn unique(number: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    // The last byte is left for the lane of a hold's user.
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn purchase(source: u8) -> Source {
    Source::new(SourceKind::Purchase, source.to_string())
}

fn suspension(source: u8) -> SuspensionSource {
    if source == 0 { SuspensionSource::admin() } else { SuspensionSource::dispute("1") }
}

fn answer() -> AnswerBody {
    AnswerBody {
        body: b"answer".to_vec(),
        model: "m".to_owned(),
        tokens: Tokens::new(7),
        request_id: "r".to_owned(),
    }
}

/// What a request used: nothing to speak of.
pub fn facts() -> UsageFacts {
    UsageFacts {
        kind: RequestKind::Assistant,
        model: "m".to_owned(),
        tokens: TokenUsage::default(),
        cost: NanoUsd::ZERO,
        price_version: "v".to_owned(),
        duration: Span::ZERO,
        estimated: false,
        request_id: "r".to_owned(),
    }
}
