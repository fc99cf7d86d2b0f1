// Two buttons that save the chart of a container as PNG or SVG, by plotly's own export.
export default function ({ parentElement, data }) {
  const buttons = parentElement.querySelectorAll("button");
  const chart = () => document.querySelector(`.st-key-${CSS.escape(data.container)} .js-plotly-plot`);
  for (const button of buttons) {
    button.onclick = () => {
      const plot = chart();
      const camera = plot?.querySelector(".modebar-btn[data-title^='Download plot']");
      if (!camera) return;
      plot._context.toImageButtonOptions = { format: button.dataset.format, filename: data.name, scale: button.dataset.format === "png" ? 2 : 1 };
      camera.click();
    };
  }
}
