// Boxes over a photo: the frame keeps the photo's shape, boxes lie in per cent of it.
import { make, one } from "./app.js";

export function frame(node, width, height) {
  node.parentElement.style.setProperty("--ratio", width / height);
  node.style.setProperty("--most", `${Math.max(width, 640)}px`);
}

export function box([left, top, width, height], status, label, act = null) {
  const node = make(act ? "button" : "span", { className: `box ${status}` });
  Object.assign(node.style, { left: `${left}%`, top: `${top}%`, width: `${width}%`, height: `${height}%` });
  if (top + height > 90) node.classList.add("low");
  if (act) { node.type = "button"; node.addEventListener("click", act); }
  if (label) node.append(make("b", {}, make("bdi", { textContent: label })));
  return node;
}

export const put = (stage, ...boxes) => one(".boxes", stage).replaceChildren(...boxes);
