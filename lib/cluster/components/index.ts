import type { Component } from '../component.ts'
import { gitea } from './gitea.ts'
import { giteaSetup } from './gitea-setup.ts'
import { k3s } from './k3s.ts'
import { machine } from './machine.ts'
import { namespaces } from './namespaces.ts'
import { postgres } from './postgres.ts'
import { redis } from './redis.ts'

/** Everything that bootstrap installs, in an order in which a person would; what needs what is said by each. */
export const components: readonly Component[] = [machine, k3s, namespaces, redis, postgres, gitea, giteaSetup]
