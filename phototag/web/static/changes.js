// Names that wait: choosing faces is as in other grids; the button lets all the rest stand, by a scan that is watched on its page.
import { one, post, tellRefusal } from "./app.js";
import "./grid.js";

const button = one("#accept");
button?.addEventListener("click", () => {
  button.disabled = true;
  post("/changes/accept", { mark: button.dataset.mark }).then(() => location.assign("/scan"), (refusal) => { button.disabled = false; tellRefusal(refusal); });
});
