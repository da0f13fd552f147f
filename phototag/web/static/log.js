// The journal: the newest decision is taken back, or brought back.
import { act, all } from "./app.js";

for (const button of all("[data-do]")) {
  button.addEventListener("click", () => act(button.dataset.do, { decision: Number(button.dataset.decision) }));
}
