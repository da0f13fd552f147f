// The review queue: one question after the other, by keyboard. Answers go out in order while the next question stands there already.
import { all, completes, decide, hush, isTyping, make, names, one, portrait, post, tell, tellDecision, tellRefusal } from "./app.js";
import { box, frame, put } from "./boxes.js";

const view = Object.fromEntries(["question", "done", "lead", "members", "asked", "about", "choices", "left", "progress", "again", "viewer"].map((id) => [id, document.getElementById(id)]));
const field = one(".name-it .who");
let queue = [];
let left = null;          // what the server counted last
let answered = 0;
let loading = true;       // more questions may be on their way: it is too early to say that all are answered
const away = new Set();   // targets answered or skipped here: never asked again by what the server thought before
const skipped = new Set();
const past = [];          // { question, said: Promise }: what U takes back

const current = () => queue[0];
const likely = (question) => (question?.choices[0]?.likely ? question.choices[0] : null);
const faces = (count) => `${count.toLocaleString("en")} face${count === 1 ? "" : "s"}`;

// -- getting questions --------------------------------------------------------------------------------------------------

let asked = 0;
async function refill() {
  const turn = ++asked;
  const skip = [...away, ...skipped];
  let said;
  try {
    said = await post("/review/next", { skip });
  } catch (refusal) {
    tellRefusal(refusal);
    return;
  }
  if (turn !== asked) return;   // another answer was given meanwhile: its own news will come
  const here = current();       // what stands there is never taken from under the user's fingers
  queue = said.questions.filter((q) => !away.has(q.target) && !skipped.has(q.target) && q.target !== here?.target);
  if (here) queue.unshift(here);
  left = said.left;
  loading = false;
  if (here) count(); else show();
  preload();
}

function preload() {
  for (const question of queue.slice(1, 4)) {
    for (const source of [question.large, ...question.members.slice(0, 8).map((m) => m.picture)]) new Image().src = source;
  }
}

// -- showing --------------------------------------------------------------------------------------------------------------

function count() {
  const open = Math.max(left?.questions ?? 0, queue.length);
  const parts = [["group", left?.clusters], ["suggestion", left?.suggestions], ["single face", left?.alone]].filter(([, n]) => n).map(([word, n]) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`);
  if (queue.some((question) => question.kind === "doubt")) parts.push("names to check");
  view.left.textContent = parts.length ? parts.join(" · ") : `${queue.length} to answer`;
  view.progress.max = Math.max(1, answered + open);
  view.progress.value = answered;
  const badge = one(".rooms [aria-current] .badge");
  if (badge && left) { badge.hidden = !open; badge.childNodes[1].textContent = open < 1000 ? String(open) : "999+"; }
}

function heading(question) {
  const best = likely(question);
  const name = (text) => make("bdi", { textContent: text });
  if (question.kind === "doubt") return ["Is this really ", name(question.person), "?"];
  if (best) return question.faces > 1 ? ["Are these ", name(best.person), "?"] : ["Is this ", name(best.person), "?"];
  return ["Who is this?"];
}

function about(question) {
  const where = [question.photo.name, question.photo.day].filter(Boolean).join(", ");
  if (question.kind === "cluster") return `${faces(question.faces)} that look alike · first one from ${where}`;
  if (question.kind === "doubt") return `You said so, but: ${question.why.join(", ") || `it is much like ${question.rival}`} · ${where}`;
  if (question.kind === "alone") return `A face that is like nobody else · ${where}`;
  return where;
}

function show() {
  hideViewer();
  const question = current();
  view.question.hidden = !question;
  view.question.dataset.target = question?.target ?? "";
  view.done.hidden = Boolean(question) || loading;
  one(".keys").hidden = !question;
  count();
  if (!question) { finish(); return; }
  view.asked.replaceChildren(...heading(question));
  view.about.textContent = about(question);
  view.lead.src = question.large;
  view.lead.alt = `The face in question, from ${question.photo.name}`;
  view.members.replaceChildren(...members(question));
  view.choices.classList.toggle("many", question.choices.length > 4);
  view.choices.replaceChildren(...question.choices.map((each, index) => choice(question, each, index)));
  const to = question.kind === "doubt" ? question.person : likely(question)?.person;
  const yes = one("[data-do=accept]");   // elsewhere the likely choice is the button
  yes.hidden = question.kind !== "doubt";
  one("span", yes).replaceChildren("Yes, ", make("bdi", { textContent: to ?? "" }));
  const no = one("[data-do=reject]");
  no.hidden = !to;
  one("span", no).replaceChildren("Not ", make("bdi", { textContent: to ?? "" }));
  one("#name-key").textContent = likely(question) || question.kind === "doubt" ? "N" : "↵";
  field.value = "";
  field.placeholder = question.choices.length ? "Somebody else: type a name" : "Type a name";
  if (document.activeElement === field) field.blur();
}

function members(question) {
  if (question.members.length < 2) return [];
  const nodes = question.members.map((member, index) => {
    const node = make("button", { type: "button", ariaLabel: `Look at ${member.id}` }, make("img", { src: member.picture, alt: "", width: 80, height: 80 }));
    node.setAttribute("aria-pressed", String(index === 0));
    node.addEventListener("click", () => {
      all("button", view.members).forEach((other) => other.setAttribute("aria-pressed", String(other === node)));
      view.lead.src = `${member.picture}/large`;
    });
    return make("li", {}, node);
  });
  const more = question.faces - question.members.length;
  if (more > 0) nodes.push(make("li", {}, make("span", { className: "more", textContent: `+${more.toLocaleString("en")}` })));
  return nodes;
}

function choice(question, each, index) {
  const key = String(index + 1);
  const first = index === 0 && each.likely && question.kind !== "doubt";
  const keys = make("span", { className: "press", ariaHidden: "true" }, make("kbd", { textContent: key }), ...(first ? [make("kbd", { textContent: "↵" })] : []));
  const button = make("button", { type: "button", className: first ? "likely" : "", ariaKeyShortcuts: first ? `${key} Enter` : key },
    keys, portrait(each.picture, each.initial), make("bdi", { textContent: each.person, title: each.person }), make("span", { className: "how", textContent: each.similarity.toFixed(2), title: "Similarity" }));
  button.addEventListener("click", () => take(index));
  return make("li", {}, button);
}

function finish() {
  if (loading) return;
  one(".lead", view.done).textContent = answered ? `You answered ${answered.toLocaleString("en")} question${answered === 1 ? "" : "s"}. New ones come with new photos.` : "There is nothing to ask now. New questions come with new photos.";
  view.again.hidden = skipped.size === 0;
  view.again.textContent = `Look again at ${skipped.size} skipped`;
  one("h2", view.done).textContent = skipped.size ? "That is all but what you skipped" : "All answered";
}

// -- answering --------------------------------------------------------------------------------------------------------------

// Sends an answer; the next question is there at once. `stay`: the same question goes on, with what is left of it.
function answer(verb, words, { stay = false } = {}) {
  const question = current();
  if (!question) return;
  const step = { question: structuredClone(question), stay };
  if (stay) question.choices.shift(); else { queue.shift(); away.add(question.target); answered += 1; }
  loading ||= queue.length === 0;
  show();
  const done = (said) => {
    tellDecision(said, () => back(step));
    if (verb === "label" || verb === "split") names(true);
    refill();
    return said;
  };
  step.said = decide(verb, words).then(done, (refusal) => {
    const lost = past.indexOf(step);
    if (lost >= 0) past.splice(lost, 1);
    restore(step);
    if (refusal.code === "not-found") { drop(step); show(); refill(); }
    tellRefusal(refusal, (said) => {   // the user insists: it is answered after all
      step.said = Promise.resolve(said);
      past.push(step);
      if (!stay) { drop(step); answered += 1; loading ||= queue.length === 0; show(); }
      done(said);
    });
    return null;
  });
  past.push(step);
  if (queue.length < 2) refill();
}

function drop({ question }) {
  away.add(question.target);
  queue = queue.filter((each) => each.target !== question.target);
}

function restore(step) {
  if (!step.stay) { away.delete(step.question.target); answered = Math.max(0, answered - 1); }
  queue = [step.question, ...queue.filter((q) => q.target !== step.question.target)];
  show();
}

// A step was undone from the bar.
function back(step) {
  const at = past.indexOf(step);
  if (at >= 0) past.splice(at, 1);
  restore(step);
  refill();
}

async function undo() {
  const step = past.pop();
  if (!step) { tell("Nothing to undo here. Older decisions can be taken back on the page of decisions."); return; }
  if (step.skip) { skipped.delete(step.question.target); restore({ ...step, stay: true }); return; }
  const said = await step.said;
  if (!said) return;
  try {
    const undone = await decide("undo", { decision: said.decision });
    tell(undone.text);
    restore(step);
    names(true);
    refill();
  } catch (refusal) {
    past.push(step);
    tellRefusal(refusal);
  }
}

function named(name) {
  const question = current();
  if (question.kind === "doubt" && name === question.person) accept();
  else if (question.kind === "doubt") answer("split", { name: question.person, targets: [question.target], into: name });
  else answer("label", { targets: [question.target], name });
}

function take(index) {
  const found = current()?.choices[index];
  if (found) named(found.person);
}

function accept() {
  const question = current();
  if (question.kind === "doubt") {  // it is who you said: not the other, for good
    answer("reject", { targets: [question.target], name: question.rival });
  } else if (likely(question)) take(0); else field.focus();
}

function reject() {
  const question = current();
  const best = question.kind === "doubt" ? question.person : likely(question)?.person;
  if (!best) { tell("Nobody is proposed here. Name the face, ignore it or skip it."); return; }
  answer("reject", { targets: [question.target], name: best }, { stay: question.kind === "cluster" });
}

function skip() {
  const question = queue.shift();
  skipped.add(question.target);
  past.push({ question, skip: true });
  loading ||= queue.length === 0;
  hush();
  show();
  if (queue.length < 3) refill();
}

// -- the photo ------------------------------------------------------------------------------------------------------------

function hideViewer() { if (view.viewer.open) view.viewer.close(); }

function showPhoto() {
  const { photo } = current();
  const image = one("#viewer-photo");
  image.onload = () => frame(one(".frame", view.viewer), image.naturalWidth, image.naturalHeight);
  frame(one(".frame", view.viewer), 4, 3);
  image.src = photo.picture;
  image.alt = photo.name;
  put(view.viewer, box(photo.box, "unknown here", ""));
  one("#viewer-title").textContent = photo.day || "Without a date";
  one(".file bdi", view.viewer).textContent = photo.name;
  one(".file a", view.viewer).href = photo.href;
  view.viewer.showModal();
}

one(".close", view.viewer).addEventListener("click", hideViewer);
view.viewer.addEventListener("click", (event) => { if (event.target === view.viewer || event.target.classList.contains("stage")) hideViewer(); });

// -- keys -----------------------------------------------------------------------------------------------------------------

const KEYS = { Enter: accept, r: reject, i: () => answer("ignore", { targets: [current().target] }), f: () => answer("not-a-face", { targets: [current().target] }), s: skip, n: () => field.focus(), p: showPhoto };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (view.viewer.open) {
    if (key === "p") { event.preventDefault(); hideViewer(); }
    if (key === "Enter" && !event.target.closest("a, button")) { event.preventDefault(); hideViewer(); }
    return;
  }
  if (key === "u") { event.preventDefault(); undo(); return; }
  if (!current()) return;
  if (key === "Enter" && event.target.closest("a, button")) return;   // a button that has the focus is pressed, as everywhere
  const act = KEYS[key] ?? (/^[1-9]$/.test(key) ? () => take(Number(key) - 1) : null);
  if (act) { event.preventDefault(); act(); }
});

completes(field, (name) => { field.blur(); named(name); });
one("#see-photo").addEventListener("click", showPhoto);
one("[data-do=accept]").addEventListener("click", accept);
one("[data-do=reject]").addEventListener("click", reject);
one("[data-do=skip]").addEventListener("click", skip);
one("[data-do=ignore]").addEventListener("click", KEYS.i);
one("[data-do=not-a-face]").addEventListener("click", KEYS.f);
view.again.addEventListener("click", () => { skipped.clear(); loading = true; refill(); });

refill();
