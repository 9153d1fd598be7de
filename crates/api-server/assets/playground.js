// The playground: a client of the API. All text from the server becomes text nodes, never markup.
"use strict";

const english = document.documentElement.lang === "en";
const say = (portuguese, inEnglish) => (english ? inEnglish : portuguese);
const find = (id) => document.getElementById(id);
const number = new Intl.NumberFormat(document.documentElement.lang);
const moment = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" });
const KEPT = "saldo-playground-token";
let token = sessionStorage.getItem(KEPT);
let conversation = [];
// What is asked for a user ends when that user leaves, and an answer when its conversation does: what comes too late is
// shown to nobody.
let session = new AbortController();
let answering = null;
let watching = null;
const hint = find("no-turns");

// Words that the API has for programs.
const WORDS = {
  grant: ["concessão", "grant"], use: ["uso", "use"], expire: ["expiração", "expiry"], adjust: ["ajuste", "adjustment"],
  claw_back: ["estorno", "claw-back"], restore: ["devolução do estorno", "restore"],
  settled: ["respondida", "answered"], upstream_failed: ["provedor falhou", "provider failed"], abandoned: ["abandonada", "abandoned"],
  no_output: ["sem resposta", "no output"], unusable: ["resposta ilegível", "unusable answer"],
  unknown: ["sem resposta a tempo", "no answer in time"], broken_off: ["interrompida", "broken off"],
  low_balance: ["saldo baixo", "low balance"], purchase_paid: ["compra paga", "purchase paid"], payment_failed: ["pagamento falhou", "payment failed"],
  checkout_expired: ["checkout abandonado", "checkout left"], renewal_paid: ["renovação paga", "renewal paid"], renewal_failed: ["renovação falhou", "renewal failed"],
  dispute_opened: ["contestação aberta", "dispute opened"], top_up_disabled: ["recarga desligada", "top-up switched off"],
  payment_mismatch: ["pagamento não confere", "payment mismatch"], paid_after_closing: ["pagou conta encerrada", "paid after closing"],
  webhook_disabled: ["webhook desativado", "webhook disabled"], fraud_warning: ["alerta de fraude", "fraud warning"],
};
const word = (of) => (WORDS[of] ? say(...WORDS[of]) : of.replaceAll("_", " "));

// One request to the API; what is wrong is thrown, in the API's own words.
async function call(method, path, body, signal = session.signal) {
  const headers = { "Accept-Language": document.documentElement.lang };
  if (token) { headers.Authorization = `Bearer ${token}`; }
  if (body !== undefined) { headers["Content-Type"] = "application/json"; }
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const answer = await fetch(path, { method, headers, body: sent, signal }).catch(() => {
    signal.throwIfAborted();
    throw new Error(say("O servidor não responde. Veja se está no ar e tente de novo.", "The server does not answer. See whether it runs, and try again."));
  });
  if (answer.ok) { return answer; }
  const problem = await answer.json().catch(() => ({}));
  signal.throwIfAborted();
  const error = new Error(problem.message || `HTTP ${answer.status}`);
  error.status = answer.status;
  error.problem = problem;
  if (answer.status === 401) { signOut(error.message); }
  throw error;
}
const read = async (path) => (await call("GET", path)).json();

function element(tag, text, name) {
  const made = document.createElement(tag);
  if (text !== undefined) { made.textContent = text; }
  if (name) { made.className = name; }
  return made;
}

// Signing in and out.

async function signIn() {
  try {
    const answer = await (await call("POST", "/playground/token")).json();
    await use(answer.token);
  } catch (error) { fault(error); }
}
async function use(text) {
  leave();
  token = text.trim();
  sessionStorage.setItem(KEPT, token);
  await begin();
}
// Nothing of one user reaches the next.
function leave() {
  session.abort();
  session = new AbortController();
  clearInterval(watching);
  forget();
  token = null;
  sessionStorage.removeItem(KEPT);
  for (const id of ["available", "plan", "sums", "who", "curl", "bought", "plans", "past-head", "past"]) { find(id)?.replaceChildren(); }
  if (find("bought")) { find("bought").hidden = true; }
  if (find("monthly")) { find("monthly").checked = false; }
  find("older").hidden = true;
  find("message").value = "";
}
function signOut(why) {
  leave();
  find("desk").hidden = true;
  find("hello").hidden = false;
  (find("sign-in") ?? find("token")).focus();
  if (why) { fault(new Error(why)); }
}
function fault(error) {
  if (error.name === "AbortError") { return; }
  find("hello-fault").textContent = error.message;
  find("hello-fault").hidden = false;
}
async function begin() {
  try {
    await showBalance();
  } catch (error) { return fault(error); }
  find("hello-fault").hidden = true;
  find("hello").hidden = true;
  find("desk").hidden = false;
  const user = subject();
  find("who").textContent = user && `${say("Você é", "You are")} ${user}`;
  showCurl();
  find("message").focus();
  await Promise.allSettled([showPlans(), showPast("journal")]);
}
// Whom the token names: its payload is JSON in base64url. An API key names nobody.
function subject() {
  try {
    const payload = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(payload, (byte) => byte.charCodeAt(0)))).sub ?? "";
  } catch { return ""; }
}

// The balance.

async function showBalance() {
  const credits = await read("/api/user/ai-credits");
  find("available").textContent = number.format(credits.available_credits);
  find("plan").textContent = credits.plan_type === "free" ? say("plano grátis", "free plan") : credits.plan_type;
  const sums = [
    [say("concedidos", "granted"), credits.total_credits],
    [say("usados", "used"), credits.used_credits],
    [say("reservados", "held"), credits.held_credits],
    [say("devidos", "owed"), credits.owed_credits],
  ];
  const shown = sums.filter(([, value], at) => value !== 0 || at < 2);
  find("sums").textContent = shown.map(([name, value]) => `${number.format(value)} ${name}`).join(" · ");
  return credits.available_credits;
}

// The assistant.

function turn(text, name) {
  hint.remove();
  const made = element("div", undefined, `turn ${name}`);
  const words = element("span", text);
  made.append(words);
  find("turns").append(made);
  find("turns").scrollTop = find("turns").scrollHeight;
  return { made, words };
}
function bill(place, done) {
  const price = `${number.format(done.creditsUsed)} ${say("créditos", "credits")}`;
  const left = `${say("restam", "left:")} ${number.format(done.creditsRemaining)}`;
  const tokens = `${number.format(done.tokensUsed)} tokens`;
  place.made.append(element("small", `${price} · ${left} · ${tokens} · ${done.model}`));
}

// The events of a stream, as they come: name and data.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    text += value ?? "";
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const event = { name: "message", data: "" };
      for (const line of block.split("\n")) {
        if (line.startsWith("event:")) { event.name = line.slice(6).trim(); }
        if (line.startsWith("data:")) { event.data += line.slice(5).trim(); }
      }
      if (event.data) { yield event; }
    }
    if (done) { return; }
  }
}

async function answer(question, place, signal) {
  const body = { message: question, conversationHistory: conversation };
  let response;
  try {
    response = await call("POST", "/api/ai-assistant", { ...body, stream: true }, signal);
  } catch (error) {
    const refused = error.status === 422 && (error.problem.errors ?? []).some((each) => each.pointer === "/stream");
    if (!refused) { throw error; }
    response = await call("POST", "/api/ai-assistant", body, signal);
  }
  if (!(response.headers.get("Content-Type") ?? "").startsWith("text/event-stream")) {
    const whole = await response.json();
    signal.throwIfAborted();
    place.words.textContent = whole.response;
    return whole;
  }
  const cut = say("A resposta foi interrompida antes do fim.", "The answer broke off before its end.");
  let end = null;
  try {
    for await (const event of events(response.body)) {
      signal.throwIfAborted();
      const data = JSON.parse(event.data);
      if (event.name === "delta") {
        place.words.textContent += data.text;
        find("turns").scrollTop = find("turns").scrollHeight;
      } else if (event.name === "done") {
        end = data;
      } else if (event.name === "error") {
        const price = data.credits_charged ? `${say("Créditos cobrados:", "Credits charged:")} ${number.format(data.credits_charged)}.` : say("Nada foi cobrado.", "Nothing was charged.");
        end = new Error(place.words.textContent ? `${cut} ${price}` : data.message);
      }
    }
  } catch {
    // The browser's own words are in the browser's language.
    signal.throwIfAborted();
  }
  if (!end || end instanceof Error) { throw end ?? new Error(cut); }
  return end;
}

// What came stays; what went wrong stands under it, and with too few credits a way to more.
function failed(place, error) {
  const why = [error.message];
  const short = error.status === 402;
  if (short && error.problem.required_credits) {
    why.push(`${say("Esta pergunta precisa de", "This question needs")} ${number.format(error.problem.required_credits)} ${say("créditos.", "credits.")}`);
  }
  if (place.words.textContent) {
    place.made.append(element("small", why.join(" "), "fault"));
  } else {
    place.made.classList.add("failed");
    place.words.textContent = why.join(" ");
  }
  // The cap of an API key is not moved by a purchase.
  if (short && find("plans") && error.problem.code !== "api_key_cap_reached") {
    const more = element("button", say("Ver os planos", "See the plans"), "button slim");
    more.addEventListener("click", () => {
      find("buy-heading").scrollIntoView();
      find("plans").querySelector("button")?.focus({ preventScroll: true });
    });
    place.made.append(more);
  }
  find("turns").scrollTop = find("turns").scrollHeight;
}

async function ask() {
  const question = find("message").value.trim();
  if (!question || answering) { return; }
  const mine = new AbortController();
  answering = mine;
  find("send").disabled = true;
  find("message").value = "";
  turn(question, "mine");
  const place = turn("", "theirs waiting");
  try {
    const done = await answer(question, place, mine.signal);
    mine.signal.throwIfAborted();
    bill(place, done);
    conversation.push({ role: "user", content: question }, { role: "assistant", content: place.words.textContent });
    conversation = conversation.slice(-40);
  } catch (error) {
    if (mine.signal.aborted) { return; }
    failed(place, error);
    if (!find("message").value) { find("message").value = question; }
  }
  answering = null;
  place.made.classList.remove("waiting");
  find("send").disabled = false;
  find("message").focus();
  refresh();
}
// A new conversation.
function forget() {
  answering?.abort();
  answering = null;
  conversation = [];
  find("turns").replaceChildren(hint);
  find("send").disabled = false;
}

// Buying.

async function showPlans() {
  if (!find("plans")) { return; }
  const { data } = await read("/api/billing/plans");
  find("plans").replaceChildren(...data.map((plan) => {
    const button = element("button", undefined, "button");
    const what = element("span", plan.name);
    what.append(element("small", `${number.format(plan.credits)} ${say("créditos", "credits")}`));
    const money = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: plan.currency.toUpperCase() });
    button.append(what, element("span", money.format(plan.price_minor / 100)));
    button.addEventListener("click", () => buy(plan.id, button));
    const line = element("li");
    line.append(button);
    return line;
  }));
}
async function buy(plan, button) {
  const note = find("bought");
  button.disabled = true;
  try {
    const mode = find("monthly").checked ? "subscription" : "payment";
    const { url } = await (await call("POST", "/api/billing/create-checkout-session", { planId: plan, mode })).json();
    const link = element("a", say("Abrir o checkout", "Open the checkout"));
    link.href = url;
    link.target = "_blank";
    link.rel = "noopener";
    note.className = "notice";
    note.replaceChildren(link, ` ${say("em outra aba. O saldo muda aqui quando o pagamento chegar.", "in another tab. The balance changes here when the payment comes.")}`);
    note.hidden = false;
    link.focus();
    watch(await showBalance());
  } catch (error) {
    if (error.name === "AbortError") { return; }
    note.className = "notice bad";
    note.textContent = error.message;
    note.hidden = false;
  }
  button.disabled = false;
}
// Looks at the balance for some minutes, until it moves.
function watch(before) {
  let looks = 0;
  clearInterval(watching);
  const timer = watching = setInterval(async () => {
    looks += 1;
    if (looks > 150) { return clearInterval(timer); }
    if (document.hidden) { return; }
    const now = await showBalance().catch(() => before);
    if (now !== before && timer === watching) {
      clearInterval(timer);
      find("bought").className = "notice good";
      find("bought").textContent = `${say("O pagamento chegou. Créditos:", "The payment came. Credits:")} ${number.format(now)}`;
      showPast(past.kind);
    }
  }, 2000);
}

// The statement.

const PAST = {
  journal: {
    path: "/api/user/ai-credits/history",
    head: [say("Quando", "When"), say("Lançamento", "Entry"), say("Créditos", "Credits"), say("Saldo", "Balance")],
    row: (each) => [each.created_at, word(each.kind), each.amount, each.balance_after],
  },
  usage: {
    path: "/api/user/ai-usage",
    head: [say("Quando", "When"), say("Modelo", "Model"), "Tokens", say("Créditos", "Credits")],
    row: (each) => [each.created_at, `${each.model} · ${word(each.outcome)}`, each.tokens_used, each.credits_used],
  },
  notices: {
    path: "/api/user/notifications",
    head: [say("Quando", "When"), say("Aviso", "Notice"), say("Créditos", "Credits"), say("Saldo", "Balance")],
    row: (each) => [each.created_at, word(each.kind), each.credits ?? "", each.balance ?? ""],
  },
};
const past = { kind: "journal", cursor: null };
async function showPast(kind, more) {
  const of = PAST[kind];
  const page = await read(`${of.path}?limit=10${more ? `&cursor=${encodeURIComponent(past.cursor)}` : ""}`);
  past.kind = kind;
  past.cursor = page.next_cursor;
  for (const each of document.querySelectorAll("[data-past]")) {
    each.setAttribute("aria-pressed", String(each.dataset.past === kind));
  }
  const head = element("tr");
  of.head.forEach((name, at) => {
    const cell = element("th", name, at > 1 ? "number" : "");
    cell.scope = "col";
    head.append(cell);
  });
  find("past-head").replaceChildren(head);
  const rows = page.data.map((each) => {
    const row = element("tr");
    of.row(each).forEach((value, at) => {
      const text = at === 0 ? moment.format(new Date(value)) : typeof value === "number" ? number.format(value) : value;
      row.append(element("td", text, at > 1 ? "number" : ""));
    });
    return row;
  });
  if (!more && rows.length === 0) {
    const row = element("tr");
    const cell = element("td", say("Nada ainda.", "Nothing yet."), "soft");
    cell.colSpan = of.head.length;
    row.append(cell);
    rows.push(row);
  }
  if (more) { find("past").append(...rows); } else { find("past").replaceChildren(...rows); }
  find("older").hidden = !page.has_more;
}
function refresh() {
  if (!token || find("desk").hidden) { return; }
  Promise.allSettled([showBalance(), showPast(past.kind)]);
}

function showCurl() {
  const at = location.origin;
  const lines = [
    `TOKEN='${token}'`,
    "",
    `curl -s ${at}/api/ai-assistant -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"message":"${say("Como posso economizar este mês?", "How can I save money this month?")}"}'`,
    `curl -s ${at}/api/user/ai-credits -H "Authorization: Bearer $TOKEN"`,
    `curl -s ${at}/api/billing/create-checkout-session -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"planId":"starter"}'`,
  ];
  find("curl").textContent = lines.join("\n");
}

find("sign-in")?.addEventListener("click", signIn);
if (find("sign-in")) { find("sign-in").hidden = false; }
find("own-token").addEventListener("submit", (event) => {
  event.preventDefault();
  use(find("token").value);
  find("token").value = "";
});
find("sign-out").addEventListener("click", () => signOut());
find("forget").addEventListener("click", () => {
  const left = answering;
  forget();
  find("message").focus();
  // What was left unfinished is settled by the server in a moment.
  if (left) { setTimeout(refresh, 1000); }
});
find("ask").addEventListener("submit", (event) => { event.preventDefault(); ask(); });
find("message").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); ask(); }
});
for (const each of document.querySelectorAll("[data-past]")) {
  each.addEventListener("click", () => showPast(each.dataset.past).catch(() => {}));
}
find("older").addEventListener("click", () => showPast(past.kind, true).catch(() => {}));
addEventListener("focus", refresh);
if (token) { begin(); }
