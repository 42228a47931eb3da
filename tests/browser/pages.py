"""The pages in a real browser: as somebody reads them, works with them, and tries to break them."""
import json
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.parse

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

import world
from kit import ROOT, Absent, Failed, command, expect

DESK, PHONE = (1280, 900), (390, 844)
PAGE_WAIT = 20
AXE = "axe-core@4"


def axe():
    """The text of axe-core."""
    place = ROOT / "target/browser"
    script = place / "node_modules/axe-core/axe.min.js"
    if not script.exists():
        place.mkdir(parents=True, exist_ok=True)
        npm = command("npm", "npm")
        done = subprocess.run([npm, "install", "--silent", "--no-save", "--prefix", str(place), AXE], cwd=place)
        if done.returncode:
            raise Absent("npm's axe-core cannot be installed")
    return script.read_text()


class Browser:
    """Chromium without a window, that resolves no name and notes all that it asks for."""

    def __init__(self, options):
        self.shots, self.axe = options.shots, axe()

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="chromium-")
        settings = webdriver.ChromeOptions()
        settings.binary_location = command("chromium", "chromium")
        for flag in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars",
                     "--disable-background-networking", "--disable-component-update", "--no-first-run", "--lang=en",
                     "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", f"--user-data-dir={self.profile.name}"]:
            settings.add_argument(flag)
        settings.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(command("chromedriver", "chromium-driver"))
        self.driver = webdriver.Chrome(settings, service)
        self.driver.set_page_load_timeout(PAGE_WAIT)
        self.driver.set_script_timeout(30)
        self.size(DESK)
        return self

    def __exit__(self, *_):
        self.driver.quit()
        self.profile.cleanup()

    def cdp(self, name, **values):
        return self.driver.execute_cdp_cmd(name, values)

    def size(self, size):
        self.cdp("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1,
                 mobile=size[0] < 600)

    def dark(self, on):
        scheme = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self.cdp("Emulation.setEmulatedMedia", features=[scheme])

    def scripts(self, on):
        self.cdp("Emulation.setScriptExecutionDisabled", value=not on)

    def open(self, place, path):
        try:
            self.driver.get(place.origin + path)
        except TimeoutException:
            raise Failed(f"{path} is not there after {PAGE_WAIT} s")

    def path(self):
        at = urllib.parse.urlsplit(self.driver.current_url)
        return at.path + (f"?{at.query}" if at.query else "")

    def find(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def has(self, css):
        return bool(self.all(css))

    def text(self):
        return self.find("body").text

    def run(self, script, *values):
        return self.driver.execute_script(script, *values)

    def click(self, element):
        """Clicks what stands anywhere on the page, and waits for the page that comes."""
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def until(self, holds, what, patience=10):
        """Waits while the page may change beneath."""
        def tried():
            try:
                return holds()
            except (NoSuchElementException, StaleElementReferenceException):
                return None
        return world.until(tried, what, patience)

    def quiet(self, place, allowed=()):
        """No error was said since the last time, and nothing was asked of anybody else."""
        errors = [entry["message"] for entry in self.driver.get_log("browser")
                  if entry["level"] in ("SEVERE", "WARNING") and not any(part in entry["message"] for part in allowed)]
        expect(not errors, "the browser complains: " + " | ".join(errors)[:1500])
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                is_own = url.startswith((place.origin + "/", "data:", "about:", "chrome:", "chrome-extension:"))
                expect(is_own, f"something is asked of {url}")

    def faults(self):
        """What axe finds that is serious or worse."""
        self.run(self.axe)
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(done, e => done({error: String(e)}))")
        expect("violations" in found, f"axe breaks off: {found}")
        def told(fault):
            nodes = "; ".join(f"{node['html'][:160]} ({(node.get('failureSummary') or '').splitlines()[-1].strip()})"
                              for node in fault["nodes"][:3])
            return f"{fault['impact']} {fault['id']}: {nodes}"
        return [told(fault) for fault in found["violations"] if fault["impact"] in ("serious", "critical")]

    def wide(self):
        """What makes the page wider than the window, if anything does."""
        return self.run("""const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return null;
            const wide = Array.from(document.querySelectorAll('body *')).filter(e => e.getBoundingClientRect().right > width + 1
                && !e.closest('.scroll'));
            return `${document.documentElement.scrollWidth - width} px wider than the window: `
                + wide.slice(-2).map(e => e.outerHTML.slice(0, 150)).join(' | ')""")

    def shoot(self, name):
        """A picture of the whole page."""
        if self.shots:
            size = self.cdp("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1}
            import base64
            data = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
            (pathlib.Path(self.shots) / f"{name}.png").write_bytes(base64.b64decode(data))


def shape(path):
    """The kind of page that a path leads to: the same for all alerts, all series, ….."""
    parts = urllib.parse.urlsplit(path).path.strip("/").split("/")
    return "-".join([parts[0] or "overview", *("one" if at == 0 else part for at, part in enumerate(parts[1:]))])


NO_PAGE = re.compile(r"/(api|assets|-|metrics|events)(/|$)|\.(csv|svg|json|png)(\?|$)")


def crawl(place, browser, each=2):
    """Every page that links lead to from the overview: at most so many of each kind; (kind, path)."""
    found, queue, seen = [], ["/"], {"/"}
    while queue:
        path = queue.pop(0)
        kind = shape(path)
        if sum(1 for other, _ in found if other == kind) >= each:
            continue
        browser.open(place, path)
        expect(browser.has("main#main"), f"{path} is no page: {browser.text()[:200]}")
        expect(not browser.has(".note.bad[role=alert]"), f"{path} is a problem: {browser.text()[:300]}")
        browser.quiet(place)
        found.append((kind, path))
        for link in browser.run("return Array.from(document.querySelectorAll('a[href]'), a => a.href)"):
            if not link.startswith(place.origin + "/"):
                continue
            link = link[len(place.origin):].split("#")[0] or "/"
            if link not in seen and not NO_PAGE.search(link):
                seen.add(link)
                queue.append(link)
    return found


def settled(place):
    """Waits until the daemon has told all that its figures say."""
    world.until(lambda: place.hook.taken and place.alerts(state="firing"), "an alert fires")
    world.until(lambda: not place.api("/deliveries?state=pending&limit=1")["deliveries"], "all is delivered")


def every_page(place, browser):
    """Each page by its links: nothing wrong is said, nobody else is asked, and no serious fault, on a desk and a phone, light
    and dark."""
    settled(place)
    pages = crawl(place, browser)
    kinds = {kind for kind, _ in pages}
    missing = {"overview", "alerts-one", "rules", "rules-one", "series", "series-one", "feeds", "feeds-one", "deliveries",
               "deliveries-one", "silences", "status"} - kinds
    expect(not missing, f"no link leads to {', '.join(sorted(missing))}; found {', '.join(sorted(kinds))}")
    wrong, first = [], {}
    for kind, path in pages:
        first.setdefault(kind, path)
    for size, name in ((DESK, "desk"), (PHONE, "phone")):
        browser.size(size)
        for is_dark in (False, True):
            browser.dark(is_dark)
            look = f"{name}-{'dark' if is_dark else 'light'}"
            for kind, path in first.items():
                browser.open(place, path)
                wrong += [f"{look} {path}: {fault}" for fault in browser.faults()]
                if wide := browser.wide():
                    wrong.append(f"{look} {path}: {wide}")
                browser.quiet(place)
                browser.shoot(f"{kind}-{look}")
    browser.size(DESK)
    browser.dark(False)
    expect(not wrong, f"{len(wrong)} faults:\n  " + "\n  ".join(wrong[:40]))
    return f"{len(pages)} pages of {len(kinds)} kinds, in 4 looks"


def alert_page(place, rule):
    """The path of the page of a rule's first alert that fires."""
    return f"/alerts/{place.alerts(rule=rule, state='firing')[0]['fingerprint']}"


def work(place, browser, with_scripts=True):
    """Acknowledges, silences, ends the silence, and sends a dead letter again."""
    browser.open(place, alert_page(place, "magnet-exports-falling" if with_scripts else "ndpr-price-jump"))
    browser.find("form[action$='/acknowledge'] [name=comment]").send_keys("The mill is asked <b>today</b>")
    browser.find("form[action$='/acknowledge'] [name=author]").send_keys("Ada")
    browser.click(browser.find("form[action$='/acknowledge'] button"))
    browser.until(lambda: "Acknowledged by Ada" in browser.text(), "the acknowledgement is shown")
    expect("The mill is asked <b>today</b>" in browser.text() and not browser.has("main .note b"), "what was noted is no text")
    expect(not browser.has("form[action$='/acknowledge']"), "it can be acknowledged twice")
    browser.click(browser.find("#silence ~ details summary, details:has(form[action='/silences']) summary"))
    form = browser.find("form[action='/silences']")
    Select(form.find_element(By.CSS_SELECTOR, "[name=lasting]")).select_by_index(0)
    form.find_element(By.CSS_SELECTOR, "[name=comment]").send_keys("Fair week")
    browser.click(form.find_element(By.CSS_SELECTOR, "button"))
    browser.until(lambda: "The silence holds." in browser.text(), "the silence is confirmed")
    browser.open(place, "/silences")
    expect("Fair week" in browser.text(), "the silence is not listed")
    active = lambda: [one for one in place.api("/silences")["silences"] if one["status"]["state"] == "active"]
    expect(len(active()) == 1, f"{active()}")
    browser.click(browser.find("form[action*='/expire'] button"))
    browser.until(lambda: "The silence is over." in browser.text(), "its end is confirmed")
    expect(not active(), "the silence goes on")
    browser.quiet(place)


def works(place, browser):
    """Whoever works with it gets it done."""
    settled(place)
    work(place, browser)
    return "acknowledged, silenced, ended"


def works_without_scripts(place, browser):
    """The same where no script runs."""
    settled(place)
    browser.scripts(False)
    try:
        browser.open(place, "/")
        expect("live" not in browser.find("#live").text.split(), "a script ran")
        work(place, browser, with_scripts=False)
    finally:
        browser.scripts(True)
    return "acknowledged, silenced, ended, by forms alone"


def lives(place, browser):
    """A new alert, its failed message, and the message sent again are shown without a page being loaded."""
    settled(place)
    browser.open(place, "/")
    browser.until(lambda: browser.find("#live").text == "live", "the page watches")
    browser.run("window.stays = true")
    fired = lambda: place.alerts(rule="live-falling", state="firing")
    expect(not fired() and "Germany" not in browser.find("main").text, "it fires already")
    place.hook.refuses = True
    begun = time.monotonic()
    place.append("live.csv", "2025-11,DE,60\n2025-12,DE,50\n")
    browser.until(lambda: browser.has("main a[href='/alerts/%s']" % fired()[0]["fingerprint"]) if fired() else None,
                  "the new alert is on the overview", 20)
    took = time.monotonic() - begun
    expect(browser.run("return window.stays"), "the page was loaded anew")
    browser.quiet(place)
    dead = world.until(lambda: place.api("/deliveries?state=dead")["deliveries"], "the message is a dead letter")[0]
    place.hook.refuses = False
    browser.open(place, f"/deliveries/{dead['id']}")
    expect("400" in browser.text(), "it is not said why it failed")
    browser.until(lambda: browser.find("#live").text == "live", "the page watches")
    taken = len(place.hook.taken)
    browser.click(browser.find("form[action$='/retry'] button"))
    browser.until(lambda: "The message is due now." in browser.text(), "that it is sent again is confirmed")
    world.until(lambda: len(place.hook.taken) > taken, "the message arrives")
    browser.until(lambda: browser.has(".chip.sent"), "that it arrived is shown", 20)
    browser.quiet(place)
    return f"a new alert was shown {took:.1f} s after its figures were written; a dead letter was sent again"


def keyboard(place, browser):
    """By the keyboard alone: one can skip to the content, see where one is, reach every link and field, and open what is
    closed."""
    settled(place)
    told = []
    for path in ["/", alert_page(place, "magnet-exports-falling"), "/silences", "/series"]:
        browser.open(place, path)
        # Whatever has the focus stands out from how it looks without.
        style = """const e = document.activeElement, s = getComputedStyle(e);
            return [e.tagName, e.className, s.outlineStyle, s.outlineWidth, s.boxShadow, e.getBoundingClientRect().width,
                    e.outerHTML.slice(0, 120), Array.from(document.querySelectorAll('*')).indexOf(e)]"""
        ActionChains(browser.driver).send_keys(Keys.TAB).perform()
        first = browser.run(style)
        expect("skip" in first[1], f"{path}: the first thing is {first[6]}, and no way to skip to the content")
        expect(first[5] > 20, f"{path}: the way to skip is not seen when it has the focus")
        ActionChains(browser.driver).send_keys(Keys.ENTER).perform()
        inside = "return document.querySelector('#main').contains(document.activeElement)"
        expect(browser.run(inside), f"{path}: the skip leads to {browser.run(style)[6]}")
        browser.open(place, path)
        wanted = browser.run("""const all = Array.from(document.querySelectorAll('*'));
            return all.filter(e => e.matches('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')
                && e.checkVisibility()).map(e => [all.indexOf(e), e.outerHTML.slice(0, 120)])""")
        order = []
        for _ in range(len(wanted) + 5):
            ActionChains(browser.driver).send_keys(Keys.TAB).perform()
            at = browser.run(style)
            if at[0] in ("BODY", "HTML") or at[7] in order:
                break
            is_seen = at[2] != "none" and at[3] != "0px" or at[4] != "none"
            expect(is_seen, f"{path}: it is not seen that {at[6]} has the focus")
            order.append(at[7])
        expect(order == sorted(order), f"{path}: the order of the tabs is not that of the page")
        missed = [text for at, text in wanted if at not in order]
        expect(not missed, f"{path}: {len(missed)} of {len(wanted)} things are not reached: {missed[:4]}")
        told.append(f"{len(order)} stops on {shape(path)}")
    browser.open(place, alert_page(place, "magnet-exports-falling"))
    # The page may take in what was stored meanwhile: what was found before is then another element.
    browser.run("document.querySelector('main summary').focus()")
    ActionChains(browser.driver).send_keys(Keys.ENTER).perform()
    is_open = browser.run("return document.querySelector('main summary').parentElement.open")
    expect(is_open, "ENTER does not open what is closed")
    browser.quiet(place)
    return ", ".join(told)


def hostile_labels(place, browser):
    """What figures, config and files say is text on every page, and nothing else."""
    settled(place)
    pages = crawl(place, browser, each=3)
    for kind, path in pages:
        browser.open(place, path)
        marks = browser.run("return [window.marks, document.querySelectorAll('main script, main img[src=x], [onerror], [onload]').length,"
                            "Array.from(document.querySelectorAll('a[href]')).filter(a => !/^https?:$/.test(a.protocol)).length]")
        expect(marks in ([None, 0, 0], [None, 0, 0]), f"{path}: {marks}")
        body = browser.run("return document.documentElement.outerHTML")
        expect("\u001b" not in body and "\u0007" not in body and "\u009b" not in body, f"{path} has control characters")
        expect("\u202e" not in browser.text(), f"{path} turns the direction of what follows")
        expect("49}" not in body, f"{path}: a template was run")
        browser.quiet(place)
        if kind in ("overview", "series", "alerts-one"):
            for size, look in ((DESK, "desk"), (PHONE, "phone")):
                browser.size(size)
                browser.shoot(f"hostile-{kind}-{look}")
                wide = browser.wide()
                expect(not wide, f"{look} {path}: {wide}")
            browser.size(DESK)
    alerts = place.alerts(rule="hostile-falling", state="firing")
    expect(len(alerts) == len(world.HOSTILE), f"{len(alerts)} of {len(world.HOSTILE)} hostile series fire")
    for alert in alerts:
        browser.open(place, f"/alerts/{alert['fingerprint']}")
        expect(browser.run("return window.marks") is None, f"{alert['labels']}")
        browser.quiet(place)
    return f"{len(pages)} pages and {len(alerts)} alerts of {len(world.HOSTILE)} hostile labels: nothing ran"


def sees(place, browser):
    """What the other parts look for is seen where it is: a script that is kept from running, a request to somebody else, a
    fault, a page that is too wide."""
    def fails(what, script, look):
        browser.open(place, "/")
        browser.quiet(place)
        expect(not browser.faults() and not browser.wide(), "the overview is not as it should be")
        browser.run(script)
        time.sleep(0.3)
        try:
            is_seen = bool(look())
        except Failed:
            is_seen = True
        expect(is_seen, f"it is not seen: {what}")
        browser.driver.get_log("browser"), browser.driver.get_log("performance")
    # Not in what is shown anew when something is stored.
    into = "document.querySelector('footer').insertAdjacentHTML('beforeend', %s)"
    quiet = lambda: browser.quiet(place)
    fails("an attribute with a script", into % json.dumps("<img src='data:,' alt='x' onerror='window.marks=1'>"), quiet)
    fails("a script within the page", "document.body.append(Object.assign(document.createElement('script'), {text: 'window.marks=1'}))", quiet)
    fails("a foreign picture", into % json.dumps("<img alt='x' src='http://evil.example/x.png'>"), quiet)
    fails("a page of somebody else", "location.href = 'http://evil.example/'", quiet)
    fails("an error of a script", "setTimeout(() => { throw new Error('x') })", quiet)
    fails("a picture without words", into % json.dumps("<img src='/assets/icon.svg'>"), browser.faults)
    fails("words that are hard to see", into % json.dumps("<p id='pale'>pale</p>") + "; document.getElementById('pale').style.color = '#ddd'", browser.faults)
    fails("a wide page", into % json.dumps("<p id='wide'>wide</p>") + "; document.getElementById('wide').style.width = '3000px'", browser.wide)
    return "each of eight faults that were planted"


hostile_labels.world = world.hostile
ALL = [sees, every_page, works, works_without_scripts, lives, keyboard, hostile_labels]
