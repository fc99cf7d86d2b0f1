// Edit menu: the changes of a weight, a row, a head or a layer, where somebody points at it.
const HOLD = 600; // milliseconds of a long press

function menuButton(label, role) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.setAttribute("role", role);
  return button;
}

function valueBox(label, value) {
  const box = Object.assign(document.createElement("input"), { type: "number", step: "any", value });
  box.setAttribute("aria-label", label);
  return box;
}

// kinds: {kind, label, value or null} each. places: {name, ...fields of an edit} each, the first is chosen; choose gets
// the fields of one with a kind, and with the value of its box.
function openEditMenu(host, { x, y }, kinds, places, choose) {
  host.querySelector(".edit-menu")?.remove();
  const menu = document.createElement("div");
  Object.assign(menu, { className: "edit-menu", popover: "auto" });
  menu.setAttribute("role", "menu");
  menu.setAttribute("aria-label", "Change weights");
  let chosen = places[0];
  const scopes = places.map((place) => {
    const button = menuButton(place.name, "menuitemradio");
    button.onclick = () => markScope(place);
    return button;
  });
  const markScope = (place) => {
    chosen = place;
    scopes.forEach((button, at) => button.setAttribute("aria-checked", places[at] === place));
  };
  const lines = kinds.map(({ kind, label, value }) => {
    const [button, line] = [menuButton(label, "menuitem"), document.createElement("div")];
    const box = value === null ? null : valueBox(label, value);
    button.onclick = () => {
      const { name, ...place } = chosen;
      const number = box && Number(box.value);
      if (box && (box.value === "" || !Number.isFinite(number))) return box.focus();
      menu.hidePopover();
      choose({ ...place, kind, ...(box ? { value: number } : {}), stamp: Date.now() });
    };
    line.className = "line";
    line.append(...[button, box].filter(Boolean));
    if (box) box.onkeydown = ({ key }) => key === "Enter" && button.click();
    return line;
  });
  const changes = lines.map((line) => line.firstChild);
  const row = document.createElement("div");
  row.className = "scopes";
  row.append(...scopes);
  menu.append(row, ...lines);
  const before = host.activeElement ?? document.activeElement;
  menu.onkeydown = (event) => {
    const all = [...scopes, ...changes];
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step || event.target.matches("input")) return;
    event.preventDefault();
    event.stopPropagation();
    all[(all.indexOf(event.target) + step + all.length) % all.length].focus();
  };
  menu.ontoggle = (event) => {
    if (event.newState !== "closed") return;
    menu.remove();
    before?.focus?.({ preventScroll: true });
  };
  markScope(chosen);
  host.append(menu);
  menu.showPopover();
  const box = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(4, Math.min(x, innerWidth - box.width - 4))}px`;
  menu.style.top = `${Math.max(4, Math.min(y, innerHeight - box.height - 4))}px`;
  changes[0].focus({ preventScroll: true });
}

// Right click and long press; open is told of the place and says whether there is a menu.
function openOnRequest(element, open) {
  let timer = 0;
  const stop = () => clearTimeout(timer);
  element.oncontextmenu = (event) => {
    stop();
    if (open(event)) event.preventDefault();
  };
  element.ontouchstart = ({ target, touches: [{ clientX, clientY }] }) => {
    stop();
    timer = setTimeout(() => open({ target, clientX, clientY }), HOLD);
  };
  element.ontouchend = element.ontouchmove = element.ontouchcancel = stop;
}
