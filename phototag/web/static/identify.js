// Identify and verify: pictures go to this machine's own server, which keeps them in memory; one that is registered, for good.
import { all, completes, decide, hush, make, names, one, portrait, post, read, tell, tellDecision, tellRefusal } from "./app.js";
import { box, frame, put } from "./boxes.js";

const LARGEST = 40 * 2 ** 20;
const sides = Object.fromEntries(all(".drop-side").map((node) => [node.dataset.side, { node, seen: null, face: null }]));
let mode = "one";

async function take(side, file) {
  if (!file) return;
  if (file.size > LARGEST) { tell("That is too large: 40 MB is the most.", { kind: "bad" }); return; }
  tell(`Looking at ${file.name}…`, { kind: "wait", stay: true });
  side.node.setAttribute("aria-busy", "true");
  try {
    side.seen = await read(await fetch(`/identify?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file }));
    side.face = null;
    hush();
    show(side);
  } catch (refusal) {
    tellRefusal(refusal);
  } finally {
    side.node.removeAttribute("aria-busy");
  }
}

const similar = (value) => (value === null ? "" : (Math.round(100 * value) / 100).toFixed(2));   // no "-0.00"

function show(side) {
  const { seen, node } = side;
  one(".drop", node).hidden = true;
  one(".seen", node).hidden = false;
  const stage = one(".frame", node);
  frame(stage, seen.width, seen.height);
  one("img", stage).src = seen.picture;
  one("img", stage).alt = seen.name;
  one(".seen-name bdi", node).textContent = seen.name;
  put(stage, ...seen.faces.map((face) => {
    const status = face.person ? "recognised" : face.suggestion ? "suggested" : "unknown";
    const label = face.person ?? (face.suggestion ? `${face.suggestion}?` : "");
    const drawn = box(face.box, status, mode === "one" ? label : "", () => choose(side, face.index));
    drawn.setAttribute("aria-label", mode === "one" ? `${label || "Not recognised"}, face ${face.index}` : `Compare face ${face.index}`);
    drawn.dataset.index = face.index;
    return drawn;
  }));
  if (mode === "one") list(side); else compare();
}

// -- who is it ----------------------------------------------------------------------------------------------------------

function list(side) {
  const { seen } = side;
  one("#result").hidden = false;
  const rows = seen.faces.map((face) => {
    const who = face.person ? make("a", { href: face.href }, make("bdi", { textContent: face.person })) : face.suggestion ? make("span", {}, "May be ", make("bdi", { textContent: face.suggestion })) : make("span", { className: "meta", textContent: "Not recognised" });
    const near = face.nearest.map((each) => make("li", {}, make("bdi", { textContent: each.person }), " ", make("span", { className: "meta", textContent: similar(each.similarity) })));
    return make("li", { className: "who-row", id: `found-${face.index}` }, portrait(face.picture, "?"),
      make("div", { className: "who-is" }, make("p", { className: "who-name" }, who, make("span", { className: "meta", textContent: similar(face.similarity), title: "Similarity" })),
        near.length ? make("ol", { className: "nearest", ariaLabel: "Most alike" }, ...near) : "", registering(side, face)));
  });
  one(".found-faces").replaceChildren(...rows);
  if (!rows.length) one(".found-faces").replaceChildren(make("li", { className: "empty", textContent: "No face was found in this picture." }));
  else if (!seen.people) tell("Nobody in the library has a name yet, so nobody can be recognised.");
}

function registering(side, face) {
  const likely = face.person ?? face.suggestion;
  const label = `Register face ${face.index} as`;
  const field = make("input", { type: "text", className: "who", placeholder: likely ? "Or as somebody else…" : "Register as…", autocomplete: "off", spellcheck: false, maxLength: 200 });
  field.setAttribute("aria-label", label);
  const form = make("form", { className: "row-form register" }, field);
  completes(field, (name) => register(side, face, name));
  if (likely) {
    const button = make("button", { type: "button", className: "plain", ariaLabel: `${label} ${likely}` }, "Register as ", make("bdi", { textContent: likely }));
    button.addEventListener("click", () => register(side, face, likely));
    form.prepend(button);
  }
  return form;
}

async function register(side, face, name) {
  const after = (said) => { tellDecision(said, () => lookAgain(side)); return lookAgain(side); };
  await decide("enroll", { id: side.seen.id, index: face.index, name }).then(after, (refusal) => tellRefusal(refusal, after));
}

// Everybody in the picture as the library knows them by now.
async function lookAgain(side) {
  names(true);
  side.seen = await read(await fetch(`/identify/${side.seen.id}`));
  show(side);
}

function choose(side, index) {
  if (mode === "one") { point(side, index); return; }
  side.face = index;
  compare();
}

function point(side, index) {
  all(".box", side.node).forEach((each) => each.classList.toggle("here", Number(each.dataset.index) === index));
  all(".found-faces .who-row").forEach((each) => each.classList.toggle("here", each.id === `found-${index}`));
  document.getElementById(`found-${index}`)?.scrollIntoView({ block: "nearest" });
}

// -- is it the same -------------------------------------------------------------------------------------------------------

async function compare() {
  const verdict = one("#verdict");
  verdict.hidden = true;
  if (!sides.one.seen || !sides.other.seen) return;
  try {
    const words = Object.fromEntries(Object.entries(sides).map(([name, side]) => [name, { id: side.seen.id, ...(side.face ? { index: side.face } : {}) }]));
    const said = await post("/verify", words);
    Object.values(sides).forEach((side, at) => point(side, said.faces[at]));
    const pair = Object.values(sides).flatMap((side, at) => { const face = side.seen.faces[said.faces[at] - 1]; return face ? [portrait(face.picture, "?")] : []; });
    verdict.replaceChildren(make("div", { className: "pair" }, ...pair), ...inWords(said));
    verdict.className = `verdict ${said.same ? "same" : "different"}`;
    verdict.hidden = false;
  } catch (refusal) {
    tellRefusal(refusal);
  }
}

function inWords(said) {
  if (said.same === null) return [make("h2", { textContent: "There is no face to compare" }), make("p", { className: "meta", textContent: said.problem })];
  const share = (value) => `${(100 * value).toLocaleString("en", { maximumSignificantDigits: 2 })} %`;
  const errs = said.false_accepts === null ? "How often that errs was not measured." : `Of pairs of strangers ${share(said.false_accepts)} reach that, and of pairs of one person ${share(said.false_rejects)} do not.`;
  const meter = make("meter", { min: 0, max: 1, value: Math.max(0, said.similarity), ariaLabel: "Similarity" });
  return [make("h2", { textContent: said.same ? "Likely one person" : "Not shown to be one person" }), meter,
    make("p", {}, make("strong", { textContent: similar(said.similarity) }), ` alike; ${similar(said.threshold)} is needed.`), make("p", { className: "meta", textContent: errs })];
}

// -- choosing pictures ------------------------------------------------------------------------------------------------------

function turn(to) {
  mode = to;
  all("[data-mode]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.mode === mode)));
  sides.other.node.hidden = mode === "one";
  one("#drops").classList.toggle("two", mode === "two");
  one("#result").hidden = true;
  one("#verdict").hidden = true;
  for (const side of Object.values(sides)) if (side.seen && !side.node.hidden) show(side);
}
all("[data-mode]").forEach((button) => button.addEventListener("click", () => turn(button.dataset.mode)));

for (const side of Object.values(sides)) {
  const input = one("input", side.node);
  input.addEventListener("change", () => { take(side, input.files[0]); input.value = ""; });
  one(".other-picture", side.node).addEventListener("click", () => input.click());
  for (const kind of ["dragenter", "dragover"]) side.node.addEventListener(kind, (event) => { event.preventDefault(); side.node.classList.add("over"); });
  for (const kind of ["dragleave", "drop"]) side.node.addEventListener(kind, () => side.node.classList.remove("over"));
  side.node.addEventListener("drop", (event) => { event.preventDefault(); take(side, event.dataTransfer.files[0]); });
}
addEventListener("dragover", (event) => event.preventDefault());   // a picture dropped beside does not leave the page
addEventListener("drop", (event) => event.preventDefault());
addEventListener("paste", (event) => { const file = [...event.clipboardData.files][0]; if (file) take(sides.one.seen && mode === "two" ? sides.other : sides.one, file); });
