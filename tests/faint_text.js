(least) => {
  // Each text that is seen on the page, with how well it is told from what is painted behind it (WCAG 2.2).
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const read = new Map();
  // Any colour of CSS as [red, green, blue, opacity].
  function channels(colour) {
    if (!read.has(colour)) {
      paint.canvas.width = paint.canvas.height = 1;
      paint.clearRect(0, 0, 1, 1);
      paint.fillStyle = colour;
      paint.fillRect(0, 0, 1, 1);
      const [red, green, blue, opacity] = paint.getImageData(0, 0, 1, 1).data;
      read.set(colour, [red, green, blue, opacity / 255]);
    }
    return read.get(colour);
  }
  const faded = ([red, green, blue, opacity], by) => [red, green, blue, opacity * by];
  function over(front, behind) {
    const opacity = front[3] + behind[3] * (1 - front[3]);
    const mixed = (at) => (opacity ? (front[at] * front[3] + behind[at] * behind[3] * (1 - front[3])) / opacity : 0);
    return [mixed(0), mixed(1), mixed(2), opacity];
  }
  function luminance(colour) {
    const [red, green, blue] = colour.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }
  function contrast(one, other) {
    const [dark, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  }
  const parentOf = (node) => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host ?? null;
  const holds = (box, x, y) => box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;

  // Whether a group around a shape of an SVG cuts a point of it off.
  function isCut(shape, x, y) {
    for (let at = shape; at instanceof SVGElement; at = at.parentElement) {
      const name = /#([^"')]+)/.exec(at.getAttribute("clip-path") ?? "")?.[1];
      const cut = name && at.ownerSVGElement.querySelector(`[id="${name}"] rect`);
      const local = cut && new DOMPoint(x, y).matrixTransform(at.getScreenCTM().inverse());
      const [left, top, width, height] = ["x", "y", "width", "height"].map((side) => Number(cut?.getAttribute(side) ?? 0));
      if (cut && !holds({ left, top, right: left + width, bottom: top + height }, local.x, local.y)) return true;
    }
    return false;
  }

  // What an SVG painted at a point before an element, the last first.
  function paintedBefore(element, x, y) {
    const layers = [];
    for (const shape of element.closest(".svg-container, svg:not(svg svg)").querySelectorAll("rect, path, circle, image")) {
      if (element.compareDocumentPosition(shape) & Node.DOCUMENT_POSITION_FOLLOWING) break;
      if (shape.closest("defs") || !holds(shape.getBoundingClientRect(), x, y) || isCut(shape, x, y)) continue;
      const style = getComputedStyle(shape);
      if (shape.tagName === "image") layers.unshift(null);
      if (style.visibility === "hidden" || style.fill === "none" || style.fill.startsWith("url")) continue;
      const local = new DOMPoint(x, y).matrixTransform(shape.getScreenCTM().inverse());
      if (shape.isPointInFill?.(local)) layers.unshift(faded(channels(style.fill), style.fillOpacity * style.opacity));
    }
    const own = getComputedStyle(element);
    return own.paintOrder.startsWith("stroke") && own.stroke !== "none" ? [channels(own.stroke), ...layers] : layers;
  }

  // The colours that are seen where a text is: its own, and without it; null where it is hidden, or on a picture.
  function seen(element, ink, x, y) {
    let [text, behind, shown, isScrolled] = [ink, [0, 0, 0, 0], ink[3], false];
    const below = (layer) => {
      text = over(text, layer);
      behind = over(behind, layer);
    };
    for (const layer of element instanceof SVGElement ? paintedBefore(element, x, y) : []) {
      if (behind[3] > 0.99) break;
      if (layer === null) return null;
      below(layer);
    }
    for (let at = element; at; at = parentOf(at)) {
      const style = getComputedStyle(at);
      isScrolled ||= style.overflowY !== "visible";
      if ((isScrolled || holds(at.getBoundingClientRect(), x, y)) && behind[3] < 0.99) {
        if (style.backgroundImage !== "none") return null;
        below(channels(style.backgroundColor));
      }
      [text, behind, shown] = [faded(text, style.opacity), faded(behind, style.opacity), shown * style.opacity];
    }
    below([255, 255, 255, 1]);
    return shown < 0.05 ? null : [text, behind];
  }

  const faint = new Map();
  let count = 0;
  function weigh(element, words, ink, box) {
    if (box.width < 2 || box.height < 2 || !words.trim()) return;
    if (element.closest("[disabled], [aria-disabled=true], .material-icons")) return;
    if (element.checkVisibility?.({ visibilityProperty: true }) === false) return;
    const colours = seen(element, channels(ink), box.left + box.width / 2, box.top + box.height / 2);
    if (!colours) return;
    count += 1;
    const measured = contrast(...colours);
    if (measured >= least) return;
    const place = `${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""} in ${element.closest("[class*=st-key-]")?.className.match(/st-key-\S+/)?.[0] ?? parentOf(element)?.className}`;
    const said = `${words.trim().slice(0, 40)} (${measured.toFixed(2)}; ${colours.map((c) => c.slice(0, 3).map(Math.round)).join(" on ")})`;
    if (!faint.has(place)) faint.set(place, said);
  }
  function walk(node) {
    if (node.nodeType === Node.TEXT_NODE) {
      const element = node.parentElement ?? node.getRootNode().host;
      if (!element || ["SCRIPT", "STYLE", "TITLE", "DESC", "OPTION"].includes(element.tagName.toUpperCase())) return;
      const range = document.createRange();
      range.selectNodeContents(node);
      const style = getComputedStyle(element);
      weigh(element, node.textContent, element instanceof SVGElement ? style.fill : style.color, range.getBoundingClientRect());
      return;
    }
    if (node.matches?.("input:not([type=range], [type=checkbox], [type=radio]), textarea, select")) {
      const style = node.value ? getComputedStyle(node) : getComputedStyle(node, "::placeholder");
      weigh(node, node.value || node.placeholder || "", style.color, node.getBoundingClientRect());
    }
    for (const child of node.shadowRoot?.childNodes ?? []) walk(child);
    for (const child of node.childNodes) walk(child);
  }
  walk(document.body);
  return { count, faint: [...faint].map(([place, said]) => `${place}: ${said}`) };
}
