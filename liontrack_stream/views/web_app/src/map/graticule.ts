/** Lines of latitude and longitude with their degrees: where one is, when there are no tiles. */

import * as L from 'leaflet';

const STEPS_DEG = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const LINES_AT_MOST = 8;

/** The finest step that draws few lines over a span. */
export function stepFor(spanDeg: number): number {
  return STEPS_DEG.find((step) => spanDeg / step <= LINES_AT_MOST) ?? 45;
}

/** Multiples of a step within a range. */
export function multiples(from: number, to: number, step: number): number[] {
  const found: number[] = [];
  for (let n = Math.ceil(from / step); n * step <= to; n += 1) found.push(Number((n * step).toFixed(6)));
  return found;
}

/** `24.5° S` */
export function degrees(value: number, positive: string, negative: string): string {
  const shown = Number(Math.abs(value).toFixed(2));
  return value === 0 ? '0°' : `${shown}° ${value > 0 ? positive : negative}`;
}

function label(at: L.LatLngExpression, text: string, anchor: [number, number]): L.Marker {
  const html = document.createElement('span');
  html.textContent = text;
  const icon = L.divIcon({ className: 'degree', html, iconSize: [0, 0], iconAnchor: anchor });
  return L.marker(at, { icon, interactive: false, keyboard: false, pane: 'names' });
}

export function drawGraticule(map: L.Map, layer: L.LayerGroup, colour: string): void {
  layer.clearLayers();
  const view = map.getBounds();
  const [south, north] = [Math.max(-85, view.getSouth()), Math.min(85, view.getNorth())];
  const [west, east] = [Math.max(-180, view.getWest()), Math.min(180, view.getEast())];
  const step = stepFor(Math.max(north - south, (east - west) / 2));
  const line = { color: colour, weight: 1, interactive: false };
  const inView = (x: number, y: number): L.LatLng => map.containerPointToLatLng([x, y]);
  const size = map.getSize();
  for (const lat of multiples(south, north, step)) {
    L.polyline(
      [
        [lat, west],
        [lat, east],
      ],
      line,
    ).addTo(layer);
    const y = map.latLngToContainerPoint([lat, west]).y;
    if (y > 20 && y < size.y - 40) label(inView(size.x - 6, y), degrees(lat, 'N', 'S'), [44, 12]).addTo(layer);
  }
  for (const lng of multiples(west, east, step)) {
    L.polyline(
      [
        [south, lng],
        [north, lng],
      ],
      line,
    ).addTo(layer);
    const x = map.latLngToContainerPoint([0, lng]).x;
    if (x > 130 && x < size.x - 190) label(inView(x, size.y), degrees(lng, 'E', 'W'), [-4, 18]).addTo(layer);
  }
}
