import 'leaflet/dist/leaflet.css';
import 'uplot/dist/uPlot.min.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/components.css';
import './styles/map.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { startLive } from './state/live.ts';
import { startRecovery } from './state/recovery.ts';
import { registerServiceWorker } from './state/worker.ts';

const root = document.getElementById('app');
if (root) render(<App />, root);
startLive();
startRecovery();
registerServiceWorker();
