// One photo: its boxes, and what can be said about each face.
import { act, all, completes, isTyping, one } from "/static/app.js";
import { box, frame, put } from "/static/boxes.js";

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

document.addEventListener("keydown", (event) => {
  if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "ArrowLeft") one(".beside [rel=prev]")?.click();
  if (event.key === "ArrowRight") one(".beside [rel=next]")?.click();
});
