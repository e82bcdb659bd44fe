/** A small map in the corner: where in the world the large one is. Decoration, out of reach of keyboard and reader. */

import * as L from 'leaflet';
import { colourOf } from '../state/theme.ts';
import type { Countries } from './world.ts';

const ZOOMED_OUT_BY = 5;
const ZOOM_AT_MOST = 3;

export class Locator {
  #map: L.Map;
  #land: L.GeoJSON;
  #frame = L.rectangle(
    [
      [0, 0],
      [0, 0],
    ],
    { interactive: false, weight: 2, fillOpacity: 0.25 },
  );

  constructor(
    private readonly large: L.Map,
    countries: Countries,
  ) {
    const element = L.DomUtil.create('div', 'locator', large.getContainer());
    element.setAttribute('aria-hidden', 'true');
    this.#map = L.map(element, {
      attributionControl: false,
      zoomControl: false,
      dragging: false,
      keyboard: false,
      scrollWheelZoom: false,
      doubleClickZoom: false,
      boxZoom: false,
      touchZoom: false,
      zoomAnimation: false,
      fadeAnimation: false,
      preferCanvas: true,
      center: large.getCenter(),
      zoom: 0,
    });
    element.tabIndex = -1;
    this.#land = L.geoJSON(countries, { interactive: false }).addTo(this.#map);
    this.#frame.addTo(this.#map);
    large.on('moveend', this.#follow);
    this.recolour();
    this.#follow();
  }

  #follow = (): void => {
    this.#map.setView(
      this.large.getCenter(),
      Math.max(0, Math.min(ZOOM_AT_MOST, Math.floor(this.large.getZoom()) - ZOOMED_OUT_BY)),
      { animate: false },
    );
    this.#frame.setBounds(this.large.getBounds());
  };

  recolour(): void {
    this.#land.setStyle({
      color: colourOf('--border-line'),
      weight: 0.5,
      fillColor: colourOf('--land'),
      fillOpacity: 1,
    });
    this.#frame.setStyle({ color: colourOf('--accent'), fillColor: colourOf('--accent') });
  }

  /** Take the paths off; `remove` comes a frame later. */
  clear(): void {
    this.large.off('moveend', this.#follow);
    this.#frame.remove();
    this.#land.clearLayers();
  }

  remove(): void {
    this.#map.remove();
  }
}
