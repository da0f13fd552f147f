// Scanning: begin, watch, stop.
import { all, one, post, tellRefusal } from "./app.js";

const job = one("#job");
const bar = one("#job-progress");
const titles = { running: (n) => `${n.stage}…`, stopping: () => "Stopping…", done: () => "Scanned", stopped: () => "Stopped", failed: () => "The scan did not work" };
let watched = JSON.parse(one("#news").textContent).state;

function show(news) {
  job.hidden = news.state === "idle";
  if (job.hidden) return;
  const running = news.state === "running" || news.state === "stopping";
  one("#job-title").textContent = titles[news.state](news);
  if (running && !news.total) bar.removeAttribute("value"); else { bar.max = news.total || 1; bar.value = running ? news.done : bar.max; }
  bar.hidden = !running;
  one("#job-text").textContent = running ? [news.total ? `${news.done.toLocaleString("en")} of ${news.total.toLocaleString("en")}` : news.done ? news.done.toLocaleString("en") : "", news.faces ? `${news.faces.toLocaleString("en")} faces` : "", news.file || news.place].filter(Boolean).join(" · ") : news.text;
  one("#stop").hidden = !running;
  one("#stop").disabled = news.state === "stopping";
  one("#to-review").hidden = running || news.state === "failed";
  for (const button of all("[data-root], [data-all], #add button")) button.disabled = running;
  if ((watched === "running" || watched === "stopping") && !running) { watched = news.state; refresh(); }
  watched = news.state;
}

// The figures below are as they are now; the news stay where they are.
async function refresh() {
  const text = await (await fetch("/scan", { headers: { accept: "text/html" } })).text();
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const id of ["folders", "standing"]) {
    const old = document.querySelector(`section[aria-labelledby=${id}]`);
    const next = fresh.querySelector(`section[aria-labelledby=${id}]`);
    if (old && next) old.replaceWith(document.adoptNode(next));
  }
  one("#waits").replaceWith(document.adoptNode(fresh.querySelector("#waits")));
  const rooms = fresh.querySelector(".rooms");
  if (rooms) one(".rooms").replaceWith(document.adoptNode(rooms));
  listen();
}

const begin = (words) => post("/scan", words).then(show, tellRefusal);

function listen() {
  for (const button of all("[data-root]")) button.addEventListener("click", () => begin({ root: Number(button.dataset.root) }));
  one("[data-all]")?.addEventListener("click", () => begin({}));
  one("#add")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const path = one(".path").value.trim();
    if (path) begin({ path }); else one(".path").focus();
  });
}

one("#stop").addEventListener("click", () => post("/scan/stop").then(show, tellRefusal));
listen();
show(JSON.parse(one("#news").textContent));
const source = new EventSource("/scan/events");
source.onmessage = (event) => show(JSON.parse(event.data));
addEventListener("pagehide", () => source.close());
