/** Countries of the world (Natural Earth, 1:50 million), drawn by ourselves: no tiles from elsewhere. */

import type { FeatureCollection, MultiPolygon, Polygon } from 'geojson';
import * as L from 'leaflet';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import worldUrl from 'world-atlas/countries-50m.json?url';

export type Countries = FeatureCollection<Polygon | MultiPolygon, { name: string }>;

let loading: Promise<Countries> | null = null;

export function loadCountries(): Promise<Countries> {
  loading ??= fetch(worldUrl)
    .then((response) => (response.ok ? response.json() : Promise.reject(new Error(`${worldUrl}: ${response.status}`))))
    .then(
      (topology: Topology) =>
        feature(topology, topology.objects.countries as GeometryCollection<{ name: string }>) as Countries,
    )
    .catch((error: unknown) => {
      loading = null;
      throw error;
    });
  return loading;
}

interface Named {
  name: string;
  bounds: L.LatLngBounds;
  rings: L.LatLng[][];
}

/** The outer rings of each country, to put its name on the part that is in view. */
export function namedRings(countries: Countries): Named[] {
  return countries.features.flatMap(({ geometry, properties }) => {
    if (!geometry) return [];
    const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
    return polygons.map(([ring = []]) => {
      const points = ring.map(([lng = 0, lat = 0]) => L.latLng(lat, lng));
      return { name: properties.name, bounds: L.latLngBounds(points), rings: [points] };
    });
  });
}

/** Area and centre of mass of a ring of pixels (shoelace formula). */
function massOf(points: L.Point[]): { area: number; centre: L.Point } {
  let [area, x, y] = [0, 0, 0];
  for (let n = 0; n < points.length; n += 1) {
    const a = points[n] as L.Point;
    const b = points[(n + 1) % points.length] as L.Point;
    const cross = a.x * b.y - b.x * a.y;
    area += cross;
    x += (a.x + b.x) * cross;
    y += (a.y + b.y) * cross;
  }
  return { area: Math.abs(area / 2), centre: L.point(x / (3 * area), y / (3 * area)) };
}

const SMALLEST_PX2 = 12_000;
const NAMES_UP_TO_ZOOM = 8; // closer than that it is one country, which the corner map shows

/** Names of countries, each on the middle of what is seen of it. */
export function placeNames(map: L.Map, layer: L.LayerGroup, countries: Named[]): void {
  layer.clearLayers();
  if (map.getZoom() > NAMES_UP_TO_ZOOM) return;
  const view = map.getBounds();
  const size = map.getSize();
  const corner = map.containerPointToLayerPoint([0, 0]);
  const pixels = L.bounds(corner, corner.add(size));
  const largest = new Map<string, { area: number; centre: L.Point }>();
  for (const { name, bounds, rings } of countries) {
    if (!view.intersects(bounds)) continue;
    for (const ring of rings) {
      const seen = L.PolyUtil.clipPolygon(
        ring.map((point) => map.latLngToLayerPoint(point)),
        pixels,
      ) as unknown as L.Point[];
      if (seen.length < 3) continue;
      const mass = massOf(seen);
      if (mass.area > (largest.get(name)?.area ?? SMALLEST_PX2)) largest.set(name, mass);
    }
  }
  for (const [name, { centre }] of largest) {
    const icon = L.divIcon({ className: 'place-name', html: '', iconSize: [0, 0] });
    const marker = L.marker(map.layerPointToLatLng(centre), {
      icon,
      interactive: false,
      keyboard: false,
      pane: 'names',
    });
    marker.addTo(layer);
    const element = marker.getElement();
    if (element) element.textContent = name;
  }
}
