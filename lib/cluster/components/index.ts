import type { Component } from '../component.ts'
import { access } from './access.ts'
import { flux } from './flux.ts'
import { gitea } from './gitea.ts'
import { giteaSetup } from './gitea-setup.ts'
import { k3s } from './k3s.ts'
import { machine } from './machine.ts'
import { image } from './image.ts'
import { keda } from './keda.ts'
import { namespaces } from './namespaces.ts'
import { pins } from './pins.ts'
import { pools } from './pools.ts'
import { postgres } from './postgres.ts'
import { redis } from './redis.ts'
import { serve } from './serve.ts'
import { smoke } from './smoke.ts'

/** Everything that bootstrap installs, in an order in which a person would; what needs what is said by each. */
export const components: readonly Component[] = [
  machine,
  pins,
  k3s,
  namespaces,
  redis,
  postgres,
  gitea,
  giteaSetup,
  // before Flux starts what needs it
  image,
  flux,
  keda,
  pools,
  serve,
  access,
  smoke,
]
