/**
 * Makes a chart one image with one name for those who don't see it, instead of a group for each of its parts. Plot wraps charts with a
 * legend in a figure.
 */
export function labelled(plot: Element, name: string): Element {
  const svg = plot instanceof SVGSVGElement ? plot : [...plot.querySelectorAll(':scope > svg')].at(-1);
  for (const part of plot.querySelectorAll('g[aria-label], g[aria-description], svg[aria-label]')) {
    part.removeAttribute('aria-label');
    part.removeAttribute('aria-description');
  }
  svg?.setAttribute('role', 'img');
  svg?.setAttribute('aria-label', name);
  for (const swatch of plot.querySelectorAll('[class*="swatches"] svg, :scope > svg:not([role])'))
    swatch.setAttribute('aria-hidden', 'true');
  return plot;
}
