// What every page of the server shares: asking, telling, completing names. Nothing is loaded from elsewhere.
export const one = (selector, within = document) => within.querySelector(selector);
export const all = (selector, within = document) => [...within.querySelectorAll(selector)];

export function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value; else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });
export const isTyping = (event) => event.target.closest("input, textarea, select, [contenteditable]") !== null;
const isCommand = (event) => event.ctrlKey || event.metaKey || event.altKey || event.isComposing;

// -- asking -----------------------------------------------------------------------------------------------------------

export class Refused extends Error {
  constructor(code, message) { super(message); this.code = code; }
}

export async function post(path, words = {}) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", body: JSON.stringify(words), headers: { "content-type": "application/json" } });
  } catch {
    throw new Refused("gone", "phototag does not answer. Was it ended? Start it again with phototag serve.");
  }
  return read(answer);
}

export async function read(answer) {
  const said = answer.headers.get("content-type")?.includes("json") ? await answer.json() : { error: "http", message: await answer.text() };
  if (!answer.ok) throw new Refused(said.error, said.message);
  return said;
}

// Decisions go one after the other. While another phototag writes, one waits and says so.
let line = Promise.resolve();
let halted = null;

export function decide(verb, words = {}) {
  const made = line.then(() => settled(verb, words));
  line = made.catch(() => {});
  return made;
}

async function settled(verb, words) {
  for (let waited = false; ; waited = true) {
    try {
      const said = await post(`/do/${verb}`, words);
      if (waited) hush();
      return said;
    } catch (refusal) {
      if (refusal.code === "twice-in-photo" && !words.allow_twice && (verb === "label" || verb === "draw")) {
        refusal.message = refusal.message.replace(/ If it is a mirror.*$/, " Is it a mirror or a collage?");
        refusal.insist = { offer: "Name them all the same", act: () => decide(verb, { ...words, allow_twice: true }) };
      }
      if (refusal.code === "not-taken") refusal.insist = { offer: "Register it all the same", act: () => decide(verb, { ...words, yes: true }) };
      if (refusal.code !== "library-in-use") throw refusal;
      const stop = new Promise((done) => { halted = done; });
      tell(`Waiting: ${refusal.message.split(". ")[0]}. Your answer is kept and written as soon as that ends.`, { kind: "wait", offer: "Do not wait", act: () => halted("stop") });
      if (await Promise.race([pause(1500), stop]) === "stop") throw new Refused("given-up", "Given up. Nothing was changed.");
    }
  }
}

// -- telling ----------------------------------------------------------------------------------------------------------

const bar = one("#told");
let doOffer = null;
let fade;

export function tell(text, { kind = "", offer = "", act = null, stay = false } = {}) {
  if (!bar) return;
  clearTimeout(fade);
  one("p", bar).textContent = text;
  bar.className = `told ${kind}`;
  const button = one(".undo", bar);
  button.hidden = !offer;
  if (offer) button.replaceChildren(offer, " ", ...(offer === "Undo" ? [make("kbd", { textContent: "U", ariaHidden: "true" })] : []));
  doOffer = act;
  bar.hidden = false;
  if (!offer && !stay && kind !== "bad") fade = setTimeout(hush, 6000);
}

export function hush() { if (bar) bar.hidden = true; }

if (bar) {
  one(".undo", bar).addEventListener("click", () => { const act = doOffer; hush(); act?.(); });
  one(".close-told", bar).addEventListener("click", hush);
}

// Some refusals may be overridden: `after(said)` runs when the user did.
export function tellRefusal(refusal, after = () => {}) {
  const { offer, act: insist } = refusal.insist ?? {};
  if (insist) tell(refusal.message, { kind: "bad", offer, act: () => insist().then(after, (again) => tellRefusal(again, after)) });
  else tell(refusal.message, { kind: refusal.code === "given-up" ? "" : "bad" });
}

// The bar after a decision: what it did, and its undoing. `after` runs when it was undone.
export function tellDecision(said, after = () => location.reload()) {
  const undone = said.kind === "undo";
  tell(said.text, {
    offer: undone ? "Redo" : "Undo",
    act: () => decide(undone ? "redo" : "undo", undone ? {} : { decision: said.decision })
      .then((back) => { tellDecision(back, after); after(back); }, tellRefusal),
  });
}

// The same on the page that comes next.
export function go(said, place = null) {
  sessionStorage.setItem("said", JSON.stringify(said));
  if (place === null || place === location.pathname + location.search) location.reload(); else location.assign(place);
}

const left = sessionStorage.getItem("said");
if (left && bar) {
  sessionStorage.removeItem("said");
  tellDecision(JSON.parse(left), (back) => go(back));
}

// Does a decision and shows the page as it is then.
export function act(verb, words, place = null) {
  const after = (said) => go(said, place);
  return decide(verb, words).then(after, (refusal) => tellRefusal(refusal, after));
}

document.addEventListener("keydown", (event) => {
  if (isTyping(event) || isCommand(event) || document.querySelector("dialog[open]")) return;
  if (event.key === "u" && bar && !bar.hidden && !one(".undo", bar).hidden && document.body.className !== "page-review") {
    event.preventDefault();
    one(".undo", bar).click();
  }
  if (event.key === "/") {
    event.preventDefault();
    one("#search")?.focus();
  }
});

// -- names ------------------------------------------------------------------------------------------------------------

let known = null;
export async function names(fresh = false) {
  if (known === null || fresh) known = fetch("/names").then(read).then((said) => said.people, () => []);
  return known;
}

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function matches(people, typed) {
  const word = plain(typed);
  const first = [];
  const later = [];
  for (const who of people) {
    const name = plain(who[0]);
    if (name.startsWith(word)) first.push(who); else if (name.split(/\s+/).some((part) => part.startsWith(word))) later.push(who);
  }
  return [...first, ...later].slice(0, 8);
}

export function portrait(picture, initial) {
  return make("span", { className: "portrait" }, picture ? make("img", { src: picture, alt: "", loading: "lazy", width: 80, height: 80 }) : make("span", { textContent: initial, ariaHidden: "true" }));
}

let lists = 0;

// A field that completes names: what it will take always stands in the field itself. `pick(name, known)` on Enter or click.
export function completes(input, pick, { mayBeNew = true, exclude = null } = {}) {
  const list = make("ul", { className: "options", role: "listbox", id: `options-${++lists}`, hidden: true });
  list.setAttribute("aria-label", "People");
  const box = input.parentElement.classList.contains("search") ? input.parentElement : make("span", { className: "names" });
  if (box !== input.parentElement) { input.replaceWith(box); box.append(input); }
  box.append(list);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "both", "aria-expanded": "false", "aria-controls": list.id })) input.setAttribute(name, value);
  let found = [];
  let at = -1;
  let typed = "";

  const hide = () => { list.hidden = true; at = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
  const mark = () => {
    [...list.children].forEach((node, index) => node.setAttribute("aria-selected", String(index === at)));
    if (at >= 0) { input.setAttribute("aria-activedescendant", `${list.id}-${at}`); list.children[at].scrollIntoView({ block: "nearest" }); } else input.removeAttribute("aria-activedescendant");
  };

  async function look(complete) {
    typed = input.value;
    const people = (await names()).filter((who) => who[0] !== exclude?.());
    if (typed !== input.value) return;
    found = typed.trim() ? matches(people, typed.trim()) : [];
    list.replaceChildren(...found.map((who, index) => {
      const node = make("li", { id: `${list.id}-${index}` }, portrait(who[3] === null ? null : `/pictures/face/${who[3]}`, who[0][0]), make("bdi", { textContent: who[0] }), make("span", { className: "meta", textContent: `${who[2].toLocaleString("en")} faces` }));
      node.setAttribute("role", "option");
      node.addEventListener("pointerdown", (event) => { event.preventDefault(); choose(who[0], true); });
      return node;
    }));
    at = -1;
    list.hidden = found.length === 0;
    const place = input.getBoundingClientRect();
    list.classList.toggle("above", place.bottom + 330 > innerHeight && place.top > 330);
    input.setAttribute("aria-expanded", String(!list.hidden));
    const best = found[0]?.[0];
    if (complete && best && best.toLowerCase().startsWith(typed.toLowerCase()) && best.length > typed.length && input.selectionStart === typed.length) {
      input.value = best;
      input.setSelectionRange(typed.length, input.value.length);
    }
    mark();
  }

  function choose(name, sure = false) {
    const clean = name.trim();
    if (!clean) return;
    const who = found.find((each) => each[0].toLowerCase() === clean.toLowerCase());
    if (!who && !mayBeNew && !sure) { tell(`There is no person called “${clean}”.`); return; }
    hide();
    input.value = who ? who[0] : clean;
    pick(input.value, who);
  }

  input.addEventListener("input", (event) => look(event.inputType?.startsWith("insert") ?? false));
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !list.hidden) {
      event.preventDefault();
      at = (at + (event.key === "ArrowDown" ? 1 : -1) + found.length + 1) % (found.length + 1);
      if (at === found.length) at = -1;
      input.value = at < 0 ? typed : found[at][0];
      mark();
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(input.value);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      if (list.hidden) { input.value = ""; input.blur(); } else { input.value = typed; hide(); }
    }
  });
  input.addEventListener("blur", hide);
  input.form?.addEventListener("submit", (event) => { event.preventDefault(); choose(input.value); });
  return { choose: () => choose(input.value), clear: () => { input.value = ""; hide(); } };
}

const search = one("#search");
if (search) completes(search, (name, who) => { if (who) location.assign(`/people/${who[1]}`); }, { mayBeNew: false });

// -- walking through pictures with the arrows ---------------------------------------------------------------------------

export function walk(list) {
  list.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
    const links = all("a", list);
    const at = links.indexOf(document.activeElement);
    if (at < 0 || isCommand(event)) return;
    let next = null;
    if (event.key in steps) next = links[Math.min(links.length - 1, Math.max(0, at + steps[event.key]))];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const here = links[at].getBoundingClientRect();
      const down = event.key === "ArrowDown";
      const rows = links.map((link) => [link, link.getBoundingClientRect()]).filter(([, r]) => (down ? r.top > here.top + 8 : r.top < here.top - 8));
      const edge = down ? Math.min(...rows.map(([, r]) => r.top)) : Math.max(...rows.map(([, r]) => r.top));
      next = rows.filter(([, r]) => Math.abs(r.top - edge) < 8).sort(([, a], [, b]) => Math.abs(a.left - here.left) - Math.abs(b.left - here.left))[0]?.[0];
    }
    if (next) { event.preventDefault(); next.focus(); }
  });
}
all(".walk").forEach(walk);
