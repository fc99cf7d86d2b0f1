// Picture buttons: ask the server for the figure to draw; busy until it is saved.
export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".pictures");
  const said = root.querySelector("output");
  for (const button of root.querySelectorAll("button")) {
    button.onclick = () => {
      button.setAttribute("aria-busy", true);
      said.textContent = "";
      setTriggerValue("asked", { format: button.dataset.format, stamp: Date.now(), has_plotly: "headscopePlotly" in window });
    };
  }
  const done = ({ detail }) => {
    if (detail.key !== data.key) return;
    for (const button of root.querySelectorAll("button")) button.removeAttribute("aria-busy");
    said.textContent = detail.failed ? `This figure could not be drawn: ${detail.failed}` : "";
  };
  window.removeEventListener("headscope-picture", root.done);
  root.done = done;
  window.addEventListener("headscope-picture", done);
  return () => window.removeEventListener("headscope-picture", root.done);
}
