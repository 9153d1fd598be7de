// See scripts/browser-test.
const { chromium } = require("playwright-core");
const assert = require("node:assert/strict");

const { ADDRESS, ADMIN, CHROMIUM, PICTURES } = process.env;
const complaints = [];

async function visit(browser, options) {
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => { if (message.type() === "error") { complaints.push(message.text()); } });
  page.on("pageerror", (error) => complaints.push(error.message));
  return page;
}
const picture = (page, name) => PICTURES && page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
// Against the width that was asked for: a phone's innerWidth grows with a page that is too wide.
const fits = (page) => page.evaluate((width) => document.documentElement.scrollWidth <= width, page.viewportSize().width);

async function newcomer(browser) {
  const page = await visit(browser, {});
  await page.goto(`${ADDRESS}/`);
  await picture(page, "hello");
  await page.click("#sign-in");
  await page.fill("#message", "How can I save <b>money</b>?");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".turn.theirs small");
  assert.equal(await page.locator(".turn b").count(), 0, "what was written is text");
  assert.equal(await page.textContent("#available"), "4,990");
  await page.click("#plans button");
  const [checkout] = await Promise.all([page.context().waitForEvent("page"), page.click("#bought a")]);
  await checkout.click("button.main");
  await page.bringToFront();
  await page.waitForSelector("#bought.good");
  assert.equal(await page.textContent("#available"), "9,990");
  await picture(page, "playground");
  await page.fill("#message", "Is anybody still there?");
  await page.keyboard.press("Enter");
  await page.click("#sign-out");
  await page.click("#sign-in");
  await page.waitForSelector("#desk:not([hidden])");
  await page.waitForTimeout(1000);
  assert.equal(await page.locator(".turn").count(), 0, "what one user was told is not shown to the next");
  assert(await page.isVisible("#no-turns") && !(await page.isVisible("#bought")));
}

async function admin(browser, options) {
  const page = await visit(browser, options);
  await page.goto(`${ADDRESS}/admin/users`);
  await page.fill("#token", ADMIN);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/admin/users");
  return page;
}

async function byKeyboard(page) {
  await page.goto(`${ADDRESS}/admin`);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.type("demo-user");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/admin/users/*");
  await page.focus("a.button.main");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/give");
  await page.focus("#amount");
  await page.keyboard.type("250");
  await page.focus("#reason");
  await page.keyboard.type("by keyboard");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.focus("button[value=act]");
  await page.keyboard.press("Enter");
  assert.equal(await page.textContent(".notice.good"), "250 credits granted.");
}

async function everywhere(page, name) {
  await page.goto(`${ADDRESS}/admin/users`);
  const user = await page.getAttribute("tbody th a", "href");
  const see = async (path, called) => {
    await page.goto(`${ADDRESS}${path}`);
    assert(await fits(page), `${name}: ${path} is wider than the screen`);
    await picture(page, `${name}${called.replace(/\W+/g, "-") || "-overview"}`);
  };
  for (const path of ["", "?range=24h", "?range=90d", "/users", "/requests", "/purchases", "/notices", "/audit", "/health"]) {
    await see(`/admin${path}`, path);
  }
  for (const tab of ["lots", "journal", "usage", "purchases", "notices", "audit"]) {
    await see(`${user}?tab=${tab}`, `-user-${tab}`);
  }
}

(async () => {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  await newcomer(browser);
  const page = await admin(browser, {});
  await byKeyboard(page);
  await everywhere(page, "light");
  await everywhere(await admin(browser, { colorScheme: "dark" }), "dark");
  await everywhere(await admin(browser, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }), "phone");
  await byKeyboard(await admin(browser, { javaScriptEnabled: false }));
  await browser.close();
  assert.deepEqual(complaints, []);
  console.log("browser-test: all well");
})().catch((error) => { console.error(error); process.exit(1); });
