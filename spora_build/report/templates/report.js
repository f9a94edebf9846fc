"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const records = JSON.parse($("records").textContent);
  const SVG = "http://www.w3.org/2000/svg";

  // theme: the system's until somebody chooses
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = localStorage.getItem("spora-report-theme"); } catch { chosen = null; }
  const paintTheme = () => {
    const isDark = chosen ? chosen === "dark" : dark.matches;
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    $("theme").setAttribute("aria-pressed", String(isDark));
  };
  dark.addEventListener("change", paintTheme);
  $("theme").addEventListener("click", () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("spora-report-theme", chosen); } catch { /* the page works without memory */ }
    paintTheme();
  });
  paintTheme();

  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(name, value);
    node.append(...children.filter((child) => child !== null));
    return node;
  };
  const draw = (tag, attributes) => {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  const layer = (height, path, name, fit) => {
    const svg = draw("svg", { class: "lay", viewBox: `0 0 1000 ${height}`, preserveAspectRatio: fit, "aria-hidden": "true" });
    svg.append(draw("path", { class: name, d: path }));
    return svg;
  };
  const isBright = (key) => key === "he" || key.startsWith("ihc_");

  // the tissues: filter, sort, two views of the same list
  const cards = [...document.querySelectorAll(".card")];
  const rows = new Map([...document.querySelectorAll("#table tbody tr")].map((row) => [row.dataset.id, row]));
  const body = document.querySelector("#table tbody");
  let order = { key: "id", down: false };
  let visible = cards.map((card) => card.dataset.id);

  const value = (id, key) => {
    if (key === "id") return id;
    const cell = rows.get(id).querySelector(`[data-key="${key}"]`);
    if (!cell) return "";
    if (cell.dataset.v === undefined) return cell.textContent;
    return cell.dataset.v === "" ? null : Number(cell.dataset.v);
  };
  const compare = (one, other) => {
    const a = value(one.dataset.id, order.key), b = value(other.dataset.id, order.key);
    if (a === null || b === null) return (a === null) - (b === null); // the unknown come last, either way
    const by = a < b ? -1 : a > b ? 1 : 0;
    return (order.down ? -by : by) || (one.dataset.id < other.dataset.id ? -1 : 1);
  };
  const refresh = () => {
    const text = $("search").value.trim().toLowerCase();
    const modality = $("modality").value, split = $("split") ? $("split").value : "", only = $("only").checked;
    cards.sort(compare);
    visible = [];
    for (const card of cards) {
      const row = rows.get(card.dataset.id);
      const fits = card.dataset.search.toLowerCase().includes(text)
        && (!modality || card.dataset.modalities.split(" ").includes(modality))
        && (!split || card.dataset.split === split)
        && (!only || Number(card.dataset.checks) > 0);
      card.hidden = row.hidden = !fits;
      if (fits) visible.push(card.dataset.id);
      $("gallery").append(card);
      body.append(row);
    }
    $("nothing").hidden = visible.length > 0 || cards.length === 0;
    $("shown").textContent = visible.length === cards.length
      ? `${cards.length} ${cards.length === 1 ? "tissue" : "tissues"}` : `${visible.length} of ${cards.length} tissues`;
    for (const button of document.querySelectorAll("#table [data-sort]")) {
      const head = button.closest("th");
      if (button.dataset.sort === order.key) head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    const known = [...$("sort").options].some((option) => option.value === order.key);
    $("sort").value = known ? order.key : "";
  };
  const textual = new Set(["id", "patient", "split"]);
  $("sort").addEventListener("change", () => { order = { key: $("sort").value, down: !textual.has($("sort").value) }; refresh(); });
  for (const button of document.querySelectorAll("#table [data-sort]")) {
    button.addEventListener("click", () => {
      const key = button.dataset.sort;
      order = { key, down: order.key === key ? !order.down : !textual.has(key) };
      refresh();
      button.focus();
    });
  }
  for (const id of ["search", "modality", "split", "only"]) if ($(id)) $(id).addEventListener("input", refresh);
  $("clear").addEventListener("click", () => {
    $("search").value = $("modality").value = "";
    if ($("split")) $("split").value = "";
    $("only").checked = false;
    refresh();
    $("search").focus();
  });
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  const view = (asTable) => {
    $("gallery").hidden = asTable;
    $("table").hidden = !asTable;
    $("as-table").setAttribute("aria-pressed", String(asTable));
    $("as-gallery").setAttribute("aria-pressed", String(!asTable));
  };
  $("as-table").addEventListener("click", () => view(true));
  $("as-gallery").addEventListener("click", () => view(false));
  const outlines = () => {
    for (const card of cards) {
      for (const figure of card.querySelectorAll("figure")) {
        const old = figure.querySelector("svg");
        if (old) old.remove();
        const record = records[card.dataset.id];
        if (!$("outlines").checked || !record.outline) continue;
        const bright = isBright(figure.querySelector("img").dataset.modality);
        figure.insertBefore(layer(record.h, record.outline, bright ? "outline dark" : "outline", "xMidYMid meet"), figure.lastElementChild);
      }
    }
  };
  $("outlines").addEventListener("change", outlines);
  outlines();

  // one tissue
  const dialog = $("tissue");
  const state = { outline: true, cells: false, tiles: "" };
  let current = null, opener = null;

  const niceLength = (um) => {
    const most = um / 3.2, power = 10 ** Math.floor(Math.log10(most));
    return [5, 2, 1].map((step) => step * power).find((length) => length <= most);
  };
  const scaleBar = (um) => {
    const length = niceLength(um);
    const bar = make("span", { class: "scale", "aria-hidden": "true" }, length >= 1000 ? `${length / 1000} mm` : `${length} µm`);
    bar.style.width = `${(length / um) * 100}%`;
    return bar;
  };
  const lines = (uri) => {
    const node = make("span", { class: "lay lines", "data-layer": "cells" });
    node.style.maskImage = node.style.webkitMaskImage = `url(${uri})`;
    return node;
  };
  const histogram = (bars, clip) => {
    const svg = draw("svg", { class: "hist", viewBox: "0 0 160 36", preserveAspectRatio: "none", "aria-hidden": "true" });
    const path = [...bars].map((digit, at) => {
      const height = parseInt(digit, 36);
      return height ? `M${at * 4} 36v-${height}h3.4v${height}z` : "";
    }).join("");
    svg.append(draw("path", { class: "b", d: path }));
    if (clip >= 0) svg.append(draw("path", { class: "q", d: `M${clip * 160} 0V36` }));
    return svg;
  };
  const channelTable = (mod, short) => {
    const head = ["Channel", "Histogram", "1 %", "Median", "99 %", "Maximum", "Clipped at", "Zero", "At ceiling", "z"];
    const table = make("table", {},
      make("caption", {}, `${mod.basis} Bars are logarithmic${mod.rows.some((row) => row[2] >= 0) ? "; the red line is where standardization clips" : ""}.`),
      make("thead", {}, make("tr", {}, ...head.map((text, at) => make("th", { scope: "col", class: at > 1 ? "num" : null }, text)))));
    const lines = make("tbody");
    for (const [name, bars, place, low, median, high, maximum, clip, zero, top, z, far, empty] of mod.rows) {
      lines.append(make("tr", {},
        make("th", { scope: "row" }, name, empty ? " " : null, empty ? make("span", { class: "tag look" }, "empty") : null),
        make("td", {}, histogram(bars, place)),
        ...[low, median, high, maximum, clip, zero, top].map((text) => make("td", { class: "num" }, text)),
        make("td", { class: far ? "num far" : "num" }, z)));
    }
    table.append(lines);
    return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Intensities of ${mod.name}, tissue ${short}` }, table);
  };
  const shot = (kind, image, um, caption, layers) => make("figure", { class: `shot ${kind}` },
    make("div", { class: "stack" }, image, ...layers, scaleBar(um)), make("figcaption", {}, caption));
  const modality = (id, record, mod) => {
    const node = make("section", { class: mod.bright ? "mod bright" : "mod", "aria-label": mod.name },
      make("div", {}, make("h3", {}, mod.name), make("p", { class: "muted" }, mod.about)));
    const shots = make("div", { class: "shots" });
    const source = document.querySelector(`.card[data-id="${id}"] img[data-modality="${mod.key}"]`);
    if (source) {
      const picture = make("img", { src: source.src, alt: source.alt, width: source.getAttribute("width"), height: source.getAttribute("height") });
      if (Number(source.getAttribute("width")) < 260) picture.classList.add("tiny");
      const over = [];
      if (mod.edges !== null) over.push(lines(record.lines[mod.edges]));
      for (const tiles of record.tiles) {
        const tile = layer(record.h, tiles.d, "tiles", "none");
        tile.dataset.layer = "tiles";
        tile.dataset.label = tiles.label;
        over.push(tile);
      }
      if (record.outline) {
        const outline = layer(record.h, record.outline, "outline", "none");
        outline.dataset.layer = "outline";
        over.push(outline);
      }
      shots.append(shot("over", picture, record.um, "Whole field", over));
    }
    if (mod.detail) {
      const picture = make("img", { src: mod.detail, alt: mod.detailAlt });
      shots.append(shot("det", picture, mod.detailUm, `Detail, ${Math.round(mod.detailUm)} µm wide, deep in the tissue`, mod.detailEdges !== null ? [lines(record.lines[mod.detailEdges])] : []));
    }
    if (shots.childElementCount) node.append(shots);
    if (mod.legend.length) {
      node.append(make("ul", { class: "legend", "aria-label": "Colours of the composite" }, ...mod.legend.map(([name, color, range]) => {
        const swatch = make("span", { class: "swatch", "aria-hidden": "true" });
        swatch.style.background = color;
        return make("li", {}, swatch, name, make("span", { class: "muted" }, range));
      })));
    }
    node.append(channelTable(mod, record.short));
    return node;
  };
  const apply = () => {
    for (const node of $("tissue-body").querySelectorAll("[data-layer]")) {
      const kind = node.dataset.layer;
      node.style.display = (kind === "tiles" ? node.dataset.label === state.tiles : state[kind]) ? "" : "none";
    }
  };
  const checkbox = (key, text) => {
    const box = make("input", { type: "checkbox", id: `show-${key}` });
    box.checked = state[key];
    box.addEventListener("change", () => { state[key] = box.checked; apply(); });
    return make("label", { class: "check" }, box, text);
  };
  const overlays = (record) => {
    const bar = make("div", { class: "overlays", role: "group", "aria-label": "Overlays" });
    if (record.outline) bar.append(checkbox("outline", "Tissue outline"));
    if (record.lines.length) bar.append(checkbox("cells", "Cell outlines"));
    if (record.tiles.length) {
      const select = make("select", { id: "show-tiles" }, make("option", { value: "" }, "none"),
        ...record.tiles.map((tiles) => make("option", { value: tiles.label }, `${tiles.label} (${tiles.shown < tiles.n ? `first ${tiles.shown} of ` : ""}${tiles.n})`)));
      if (!record.tiles.some((tiles) => tiles.label === state.tiles)) state.tiles = "";
      select.value = state.tiles;
      select.addEventListener("change", () => { state.tiles = select.value; apply(); });
      bar.append(make("label", { class: "sel" }, "Tiles", select));
    }
    return bar;
  };
  const show = (id) => {
    const record = records[id];
    current = id;
    $("tissue-title").textContent = record.short;
    const content = [make("dl", { class: "chips" },
      ...[["Patient", record.patient || "–"], ...(record.split ? [["Split", record.split]] : []), ...(record.facts || [])]
        .map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text))))];
    if (record.see.length) content.push(make("ul", { class: "see", "aria-label": "Things to look at" }, ...record.see.map(([text, note]) => make("li", { class: note ? "note" : null }, text))));
    if (record.mods) {
      content.push(overlays(record));
      content.push(...record.mods.map((mod) => modality(id, record, mod)));
    }
    $("tissue-body").replaceChildren(...content);
    const at = visible.indexOf(id);
    $("previous").disabled = at <= 0;
    $("next").disabled = at < 0 || at === visible.length - 1;
    apply();
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    $("tissue-title").focus();
  };
  const step = (by) => {
    const next = visible[visible.indexOf(current) + by];
    if (next) show(next);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-open]");
    if (!button) return;
    opener = button;
    show(button.dataset.open);
  });
  $("previous").addEventListener("click", () => step(-1));
  $("next").addEventListener("click", () => step(1));
  $("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (event.target.closest("select, input, .scroll")) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    const list = $("table").hidden ? "#gallery" : "#table";
    const button = opener && opener.dataset.open === current ? opener : document.querySelector(`${list} [data-open="${current}"]`);
    if (button) button.focus();
  });

  // on paper: every finding, every picture
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const fold of closed) fold.open = true;
    for (const picture of document.querySelectorAll("img[loading]")) picture.loading = "eager";
  });
  addEventListener("afterprint", () => {
    for (const fold of closed) fold.open = false;
  });
})();
