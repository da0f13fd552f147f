// One photo: its boxes, and what can be said about each face.
import { act, all, completes, isTyping, make, one } from "./app.js";
import { box, frame, put } from "./boxes.js";

const stage = one(".photo-stage .frame");
const marks = JSON.parse(one("#marks").textContent);
frame(stage, Number(stage.dataset.width), Number(stage.dataset.height));

const row = (id) => document.getElementById(id);
const labels = { named: (m) => m.person, recognised: (m) => m.person, suggested: (m) => `${m.person}?` };
const boxes = marks.map((mark) => {
  const label = labels[mark.status]?.(mark) ?? "";
  const node = box(mark.box, mark.status, label, () => { location.hash = mark.tile.id; one(".who", row(mark.tile.id)).focus(); });
  node.setAttribute("aria-label", `${label || mark.tile.who}, ${mark.tile.id}`);
  node.dataset.face = mark.tile.id;
  return node;
});
put(stage, ...boxes);

function point(id) {
  boxes.forEach((node) => node.classList.toggle("here", node.dataset.face === id));
  all(".who-row").forEach((node) => node.classList.toggle("here", node.id === id));
}
const fromAddress = () => point(location.hash.slice(1));
addEventListener("hashchange", fromAddress);
fromAddress();

for (const node of all(".who-row")) {
  const { target, status, person } = node.dataset;
  node.addEventListener("pointerenter", () => point(node.id));
  node.addEventListener("focusin", () => point(node.id));
  const moved = status === "named" || status === "recognised";
  completes(one(".who", node), (name) => {
    if (moved) act("split", { name: person, targets: [target], into: name }); else act("label", { targets: [target], name });
  }, { exclude: () => (moved ? person : null) });
  for (const button of all("[data-do]", node)) {
    const verb = button.dataset.do;
    button.addEventListener("click", () => {
      if (verb === "accept") act("label", { targets: [target], name: person });
      else if (verb === "reject") act("reject", { targets: [target], name: person });
      else act(verb, { targets: [target] });
    });
  }
}

// -- drawing a face that was missed -------------------------------------------------------------------------------------------

const pencil = one("#draw");
const form = one("#drawn");
const field = one(".who", form);
let place = null;       // left, top, width, height in fractions of the photo
let outline = null;
let from = null;

function lay([left, top, width, height]) {
  const clip = (value) => Math.min(1, Math.max(0, value));
  const x = clip(left), y = clip(top);
  place = [x, y, clip(left + width) - x, clip(top + height) - y];
  if (!outline) {
    outline = make("button", { type: "button", className: "box drawing", ariaLabel: "The box of the face: move it with the arrow keys, with Shift change its size" });
    outline.addEventListener("keydown", nudge);
    one(".boxes", stage).append(outline);
  }
  Object.assign(outline.style, Object.fromEntries(["left", "top", "width", "height"].map((side, at) => [side, `${100 * place[at]}%`])));
}

function nudge(event) {
  const steps = { ArrowLeft: [-0.01, 0], ArrowRight: [0.01, 0], ArrowUp: [0, -0.01], ArrowDown: [0, 0.01] };
  if (event.key === "Enter") { event.preventDefault(); field.focus(); }
  if (!(event.key in steps)) return;
  event.preventDefault();
  event.stopPropagation();
  const [x, y] = steps[event.key];
  const [left, top, width, height] = place;
  lay(event.shiftKey ? [left, top, Math.max(0.01, width + x), Math.max(0.01, height + y)] : [Math.min(1 - width, Math.max(0, left + x)), Math.min(1 - height, Math.max(0, top + y)), width, height]);
}

function drawing(on) {
  pencil.setAttribute("aria-pressed", String(on));
  stage.classList.toggle("pencil", on);
  form.hidden = !on;
  if (on) { lay([0.4, 0.3, 0.2, 0.2 * stage.clientWidth / stage.clientHeight]); stage.scrollIntoView({ block: "nearest" }); outline.focus({ preventScroll: true }); } else { outline?.remove(); outline = null; pencil.focus(); }
}
pencil.addEventListener("click", () => drawing(form.hidden));
one("#no-drawing").addEventListener("click", () => drawing(false));
form.addEventListener("keydown", (event) => { if (event.key === "Escape") drawing(false); });

const at = (event) => {
  const frameBox = stage.getBoundingClientRect();
  return [(event.clientX - frameBox.left) / frameBox.width, (event.clientY - frameBox.top) / frameBox.height];
};
stage.addEventListener("pointerdown", (event) => {
  if (form.hidden) return;
  event.preventDefault();
  from = at(event);
  stage.setPointerCapture(event.pointerId);
});
stage.addEventListener("pointermove", (event) => {
  if (!from) return;
  const [x, y] = at(event);
  lay([Math.min(from[0], x), Math.min(from[1], y), Math.abs(x - from[0]), Math.abs(y - from[1])]);
});
stage.addEventListener("pointerup", () => {
  if (!from) return;
  from = null;
  if (place[2] > 0.005 && place[3] > 0.005) field.focus({ preventScroll: true }); else lay([0.4, 0.3, 0.2, 0.2]);
});
completes(field, (name) => act("draw", { photo: Number(pencil.dataset.photo), box: place.map((value) => Number(value.toFixed(5))), name }));

document.addEventListener("keydown", (event) => {
  if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest(".drawing")) return;
  if (event.key === "ArrowLeft") one(".beside [rel=prev]")?.click();
  if (event.key === "ArrowRight") one(".beside [rel=next]")?.click();
});
