// The contact sheet's only script. It fetches nothing: names come from names.js, photos from the page's own data.
"use strict";
(() => {
  const root = document.documentElement.dataset.root;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const show = (...nodes) => nodes.forEach((node) => { node.hidden = false; });

  function make(tag, properties = {}, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  }

  // -- saying and copying ---------------------------------------------------------------------------------------------

  const said = one("#said");
  let silence;
  function say(text) {
    said.textContent = text;
    clearTimeout(silence);
    silence = setTimeout(() => { said.textContent = ""; }, 6000);
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = make("textarea", { value: text });
      document.body.append(area);
      area.select();
      const copied = document.execCommand("copy");
      area.remove();
      if (!copied) {
        say(`Your browser does not let this page copy. The command: ${text}`);
        return;
      }
    }
    say(`Copied: ${text}`);
  }

  // A name as one word of a shell's command line: nothing in it is ever run.
  function quoted(name) {
    const clean = name.replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, " ").trim();
    if (/^[\p{L}\p{M}\p{N} ._-]*$/u.test(clean)) return `"${clean}"`;
    if (/^win/i.test(navigator.platform)) return `"${clean.replace(/["%]/g, "")}"`;
    return `'${clean.replaceAll("'", "'\\''")}'`;
  }

  const filled = (command, name) => command.replace(/""$/, () => quoted(name));

  const names = window.phototagNames || [];
  const people = make("datalist", { id: "people-known" });
  people.append(...names.filter(([, page]) => page.startsWith("people/")).map(([name]) => make("option", { value: name })));
  document.body.append(people);

  for (const naming of all(".naming")) {
    const { command } = naming.dataset;
    const who = one(".who", naming);
    const button = one(".copy", naming);
    const now = () => filled(command, who.value);
    show(who, button);
    who.setAttribute("list", people.id);
    who.addEventListener("input", () => { one("code", naming).textContent = now(); });
    who.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) copy(now());
    });
    button.addEventListener("click", () => copy(now()));
  }

  // -- choosing faces -------------------------------------------------------------------------------------------------

  for (const bar of all(".actions")) {
    const section = bar.closest("section");
    const boxes = all(".choose input", section);
    const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value);
    const update = () => {
      const count = chosen().length;
      bar.hidden = count === 0;
      if (count) section.classList.add("choosing");
      for (const start of all(".start-choosing", section)) start.setAttribute("aria-pressed", String(section.classList.contains("choosing")));
      one(".chosen", bar).textContent = `${count} chosen`;
    };
    show(...all(".choose", section), ...all(".start-choosing", section));
    all(".who", bar).forEach((who) => who.setAttribute("list", people.id));
    for (const start of all(".start-choosing", section)) {
      section.classList.add("on-demand");
      start.addEventListener("click", () => {
        const choosing = section.classList.toggle("choosing");
        start.setAttribute("aria-pressed", String(choosing));
      });
    }
    section.addEventListener("change", update);
    one(".none", bar).addEventListener("click", () => {
      boxes.forEach((box) => { box.checked = false; });
      update();
      boxes[0].focus();
    });
    for (const button of all("[data-template]", bar)) {
      button.addEventListener("click", () => {
        const ids = chosen();
        const command = button.dataset.template.replace("{faces,}", ids.join(",")).replace("{faces}", ids.join(" "));
        const who = button.previousElementSibling;
        copy(who && who.matches(".who") ? filled(command, who.value) : command);
      });
    }
    update();
  }

  // -- photos or faces ------------------------------------------------------------------------------------------------

  for (const views of all(".views")) {
    const section = views.closest("section");
    show(views);
    const images = all("img[data-crop]", section);
    const former = images.map((img) => [img.getAttribute("src"), img.width, img.height, img.getAttribute("width"), img.getAttribute("height")]);
    const buttons = all("button", views);
    buttons.forEach((button) => button.addEventListener("click", () => {
      const faces = button.dataset.view === "faces";
      buttons.forEach((b) => b.setAttribute("aria-pressed", String(b === button)));
      all(".tiles", section).forEach((list) => {
        list.classList.toggle("faces-view", faces);
        list.classList.toggle("photos-view", !faces);
      });
      images.forEach((img, at) => {
        img.src = faces ? img.dataset.crop : former[at][0];
        img.setAttribute("width", faces ? 160 : former[at][3]);
        img.setAttribute("height", faces ? 160 : former[at][4]);
      });
    }));
  }

  // -- one photo, large -----------------------------------------------------------------------------------------------

  const viewer = one("#viewer");
  const photos = viewer ? JSON.parse(one("#photos").textContent) : [];
  let at = -1;
  let opener = null;

  function label(face) {
    if (face.status === "suggested") return `${face.name}?`;
    return face.name || "";
  }

  function box(photo, face) {
    const node = make(face.href ? "a" : "span", { className: `box ${face.status}` });
    const [left, top, width, height] = face.box;
    Object.assign(node.style, { left: `${left}%`, top: `${top}%`, width: `${width}%`, height: `${height}%` });
    if (top + height > 90) node.classList.add("low");
    if (face.id === photo.of) node.classList.add("here");
    const text = label(face);
    const words = [text || face.target || face.status, face.id];
    if (face.similarity !== null) words.push(`similarity ${face.similarity.toFixed(2)}`);
    node.title = words.join(", ");
    if (face.href) {
      node.href = face.href;
      node.setAttribute("aria-label", words.join(", "));
      node.tabIndex = -1;
    }
    if (text) node.append(make("b", {}, make("bdi", { textContent: text })));
    return node;
  }

  function listed(face) {
    const text = label(face) || (face.status === "ignored" ? "" : face.target || "");
    if (!text) return [];
    const name = make("bdi", { textContent: text });
    const node = make("li", {}, face.href ? make("a", { href: face.href }, name) : name);
    if (face.times) node.append(make("span", { className: "times", textContent: face.times.replace(/^00:/, "").replace("-00:", "–").replace("-", "–") }));
    return [node];
  }

  function sharpen(photo) {
    // The thumbnail is there at once; the photo itself follows where the browser can read it.
    if (!photo.original || !/\.(jpe?g|jfif|png|webp|avif|gif|bmp)$/i.test(photo.original)) return;
    const full = new Image();
    full.onload = () => {
      const ratio = full.naturalWidth / full.naturalHeight;
      const same = Math.abs(ratio / (photo.width / photo.height) - 1) < 0.02;
      if (same && photos[at] === photo) one("#viewer-photo").src = full.src;
    };
    full.src = photo.original;
  }

  function put(index) {
    at = (index + photos.length) % photos.length;
    const photo = photos[at];
    const link = one(".original", viewer);
    const frame = one(".frame", viewer);
    frame.style.setProperty("--ratio", photo.width / photo.height);
    frame.style.setProperty("--most", `${Math.max(photo.width, 640)}px`);  // not blown up
    const names = photo.faces.map(label).filter(Boolean).join(", ");
    const image = one("#viewer-photo");
    image.alt = names || "Photo";
    if (photo.thumb) image.src = photo.thumb; else image.removeAttribute("src");
    sharpen(photo);
    one(".boxes", viewer).replaceChildren(...photo.faces.map((face) => box(photo, face)));
    one("#viewer-title").textContent = photo.date || "Without a date";
    one(".file bdi", viewer).textContent = photo.length ? `${photo.name} (video, ${photo.length})` : photo.name;
    link.textContent = photo.length ? "Open the video" : "Open the photo";
    one("ul.who", viewer).replaceChildren(...photo.faces.flatMap(listed));
    link.hidden = !photo.original;
    if (photo.original) link.href = photo.original; else link.removeAttribute("href");
    all(".step", viewer).forEach((step) => { step.hidden = photos.length < 2; });
  }

  if (viewer) {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-at]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      opener = link;
      put(Number(link.dataset.at));
      viewer.showModal();
    });
    viewer.addEventListener("close", () => {
      const link = all(`a[data-at="${at}"]`).find((a) => a.offsetParent) || opener;
      one("#viewer-photo").removeAttribute("src");
      link.focus();
    });
    viewer.addEventListener("click", (event) => {
      if (event.target === viewer || event.target.classList.contains("stage")) viewer.close();
    });
    one(".close", viewer).addEventListener("click", () => viewer.close());
    one(".back", viewer).addEventListener("click", () => put(at - 1));
    one(".on", viewer).addEventListener("click", () => put(at + 1));
    one(".toggle", viewer).addEventListener("click", toggle);
    viewer.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") put(at - 1);
      else if (event.key === "ArrowRight") put(at + 1);
      else if (event.key === "Home") put(0);
      else if (event.key === "End") put(photos.length - 1);
      else if (event.key === "n") toggle();
      else return;
      event.preventDefault();
    });
    let from = null;
    viewer.addEventListener("touchstart", (event) => {
      from = event.touches.length === 1 ? event.touches[0].clientX : null;
    }, { passive: true });
    viewer.addEventListener("touchend", (event) => {
      const way = from === null ? 0 : event.changedTouches[0].clientX - from;
      if (Math.abs(way) > 60) put(at + (way < 0 ? 1 : -1));
    });
  }

  function toggle() {
    const plain = one(".frame", viewer).classList.toggle("plain");
    one(".toggle", viewer).setAttribute("aria-pressed", String(!plain));
  }

  // -- walking through pictures by the arrow keys ---------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    const list = event.target.closest && event.target.closest(".walk");
    if (!list || event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
    const links = all(".walk").flatMap((walk) => all("li > a", walk));
    const here = links.indexOf(event.target.closest("a"));
    if (here < 0) return;
    let next = null;
    if (event.key === "ArrowRight") next = links[here + 1];
    else if (event.key === "ArrowLeft") next = links[here - 1];
    else if (event.key === "Home") [next] = links;
    else if (event.key === "End") next = links.at(-1);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") next = nearest(links, here, event.key === "ArrowDown");
    else return;
    event.preventDefault();
    if (next) next.focus();
  });

  function nearest(links, here, down) {
    const middle = (link) => {
      const r = link.getBoundingClientRect();
      return [r.left + r.width / 2, r.top + r.height / 2];
    };
    const [x, y] = middle(links[here]);
    let best = null;
    let bestCost = Infinity;
    let row = null;
    const order = down ? links.slice(here + 1) : links.slice(0, here).reverse();
    for (const link of order) {
      const [lx, ly] = middle(link);
      if (Math.abs(ly - y) < 8) continue;
      if (row === null) row = ly;
      if (Math.abs(ly - row) > 8) break;
      const cost = Math.abs(lx - x);
      if (cost < bestCost) [best, bestCost] = [link, cost];
    }
    return best;
  }

  // -- search by name -------------------------------------------------------------------------------------------------

  const search = one("#search");
  const found = one("#found");
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const known = names.map(([name, page, count, crop]) => ({ name, page, count, crop, key: plain(name) }));
  let active = -1;

  function matches(words) {
    const key = plain(words.trim());
    if (!key) return [];
    const rank = (n) => (n.key.startsWith(key) ? 0 : n.key.includes(` ${key}`) ? 1 : n.key.includes(key) ? 2 : 3);
    return known.map((n) => [rank(n), n]).filter(([r]) => r < 3).sort((a, b) => a[0] - b[0]).slice(0, 8).map(([, n]) => n);
  }

  function option(n, index) {
    const picture = make("span", { className: "portrait" });
    if (n.crop) picture.append(make("img", { src: root + n.crop, alt: "" }));
    const words = make("span", {}, make("bdi", { textContent: n.name }), " ", make("span", { className: "meta", textContent: n.count }));
    const node = make("li", { id: `found-${index}` }, picture, words);
    node.setAttribute("role", "option");
    node.setAttribute("aria-selected", "false");
    node.addEventListener("mousedown", (event) => { event.preventDefault(); go(n); });
    return node;
  }

  function go(n) { window.location.href = root + n.page; }

  function look() {
    const hits = matches(search.value);
    const none = search.value.trim() && !hits.length;
    found.replaceChildren(...hits.map(option));
    if (none) say(`Nobody found for “${search.value.trim()}”.`);
    else if (hits.length) said.textContent = "";
    found.hidden = !hits.length;
    search.setAttribute("aria-expanded", String(!found.hidden));
    choose(hits.length ? 0 : -1);
  }

  function choose(index) {
    const options = all("[role=option]", found);
    active = options.length ? (index + options.length) % options.length : -1;
    options.forEach((node, i) => node.setAttribute("aria-selected", String(i === active)));
    if (active >= 0) search.setAttribute("aria-activedescendant", `found-${active}`);
    else search.removeAttribute("aria-activedescendant");
  }

  function leave() {
    found.hidden = true;
    search.setAttribute("aria-expanded", "false");
    choose(-1);
  }

  if (search) {
    show(search.parentElement, ...all(".keys"));
    search.addEventListener("input", look);
    search.addEventListener("blur", leave);
    search.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "ArrowDown" && !found.hidden) choose(active + 1);
      else if (event.key === "ArrowUp" && !found.hidden) choose(active - 1);
      else if (event.key === "Enter") { const hit = matches(search.value)[Math.max(active, 0)]; if (hit) go(hit); }
      else if (event.key === "Escape") { search.value = ""; said.textContent = ""; leave(); search.blur(); }
      else return;
      event.preventDefault();
    });
    document.addEventListener("keydown", (event) => {
      const typing = event.target.matches && event.target.matches("input, textarea");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || (viewer && viewer.open)) return;
      event.preventDefault();
      search.focus();
      search.select();
    });
  }
})();
