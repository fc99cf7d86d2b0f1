// CircuitsVis: draws when the bundle is there.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".headscope-circuitsvis");
  const place = root.firstElementChild;
  place.id ||= `circuitsvis-${crypto.randomUUID()}`;
  const draw = () => {
    window.CircuitsVis.render(place.id, window.CircuitsVis.AttentionPattern, { ...data.props, tokens: data.props.tokens.map(shownToken) });
    root.dataset.drawn = data.name;
  };
  if (window.CircuitsVis) draw();
  else window.addEventListener("headscope-circuitsvis", draw, { once: true });
}
