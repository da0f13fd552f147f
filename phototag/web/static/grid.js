// Grids of faces: choosing several and doing one thing with them; people renamed and merged; clusters named.
import { act, all, completes, isTyping, one } from "./app.js";

const head = one("[data-person]");
const person = head?.dataset.person;

// -- choosing ---------------------------------------------------------------------------------------------------------------

for (const bar of all(".actions")) {
  const section = bar.closest("section");
  const boxes = all(".choose input", section);
  const chosen = () => boxes.filter((each) => each.checked).map((each) => each.value);
  let last = -1;

  const update = () => {
    const count = chosen().length;
    bar.hidden = count === 0;
    section.classList.toggle("choosing", count > 0);
    one(".chosen", bar).textContent = `${count} chosen`;
    const whole = one(".choose-all", section);
    if (whole) whole.textContent = count === boxes.length ? "Choose none" : "Choose all";
  };

  boxes.forEach((each, index) => each.addEventListener("click", (event) => {
    if (event.shiftKey && last >= 0) {
      for (let i = Math.min(last, index); i <= Math.max(last, index); i += 1) boxes[i].checked = each.checked;
    }
    last = index;
    update();
  }));
  const every = (checked) => { boxes.forEach((each) => { each.checked = checked; }); update(); };
  one(".none", bar).addEventListener("click", () => { every(false); one(".choose-all", section)?.focus(); });
  one(".choose-all", section)?.addEventListener("click", () => every(chosen().length !== boxes.length));
  section.addEventListener("keydown", (event) => {   // x on a picture chooses it
    const tile = event.target.closest(".tile");
    if (event.key === "x" && tile && !isTyping(event)) { one("input", tile).checked = !one("input", tile).checked; update(); }
    if (event.key === "Escape" && !bar.hidden) every(false);
  });

  const field = one(".who", bar);
  const named = (name) => {
    if (section.dataset.kind === "person") act("split", { name: person, targets: chosen(), into: name });
    else act("label", { targets: chosen(), name });
  };
  const whom = field && completes(field, named, { exclude: () => (section.dataset.kind === "person" ? person : null) });
  for (const button of all("[data-do]", bar)) {
    button.addEventListener("click", () => {
      const verb = button.dataset.do;
      if (verb === "move" || verb === "name") { if (field.value.trim()) whom.choose(); else field.focus(); }
      else if (verb === "accept") act("label", { targets: chosen(), name: person });
      else if (verb === "keep") act("label", { targets: chosen(), name: section.dataset.was });
      else if (verb === "reject") act("reject", { targets: chosen(), name: person });
      else act(verb, { targets: chosen() });
    });
  }
  update();
}

// -- a person ---------------------------------------------------------------------------------------------------------------

if (head) {
  const form = one("#head-form");
  const field = one(".who", form);
  let merging = false;
  completes(field, (name, who) => {
    if (merging) { if (who) act("merge", { name: person, into: name }, `/people/${who[1]}`); else act("merge", { name: person, into: name }); }
    else act("rename", { name: person, into: name });
  }, { exclude: () => (merging ? person : null) });
  const open = (merge) => {
    merging = merge;
    form.hidden = false;
    for (const [id, on] of [["rename", !merge], ["merge", merge]]) document.getElementById(id).setAttribute("aria-expanded", String(on));
    field.setAttribute("aria-label", merge ? "The same person as" : "New name");
    field.placeholder = merge ? "The same person as…" : "New name";
    one("button", form).textContent = merge ? "Make them one" : "Rename";
    field.value = merge ? "" : person;
    field.focus();
    field.select();
  };
  one("#rename").addEventListener("click", () => open(false));
  one("#merge").addEventListener("click", () => open(true));
  form.addEventListener("keydown", (event) => { if (event.key === "Escape") { form.hidden = true; one("#rename").focus(); } });
}

// -- clusters ---------------------------------------------------------------------------------------------------------------

for (const node of all("[data-target]")) {
  const { target } = node.dataset;
  const field = one(".naming .who", node);
  const next = node.tagName === "LI" ? null : "/clusters";
  if (field) completes(field, (name) => act("label", { targets: [target], name }, next));
  for (const button of all("[data-do]", node)) {
    const { name } = button.dataset;
    const verb = button.dataset.do === "accept" ? "label" : button.dataset.do;
    button.addEventListener("click", () => act(verb, name ? { targets: [target], name } : { targets: [target] }, verb === "reject" ? null : next));
  }
}
