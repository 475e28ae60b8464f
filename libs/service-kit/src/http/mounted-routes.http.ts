import { RequestMethod } from '@nestjs/common'
import { ModulesContainer } from '@nestjs/core'
import type { INestApplication } from '@nestjs/common'
import { scopeNeededBy } from '../access/access.http.js'
import { templateOf, type MountedRoute } from './routing.js'

/** Every HTTP route that the application's controllers declare, with the scope its guard asks for. */
export function mountedRoutes(app: INestApplication): MountedRoute[] {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()])
  return controllers.flatMap(({ metatype }) => (typeof metatype === 'function' ? routesOf(metatype) : []))
}

function routesOf(controller: object & { prototype?: object }): MountedRoute[] {
  const prototype = controller.prototype ?? {}
  const methods = Object.getOwnPropertyNames(prototype).map((name) => Object.getOwnPropertyDescriptor(prototype, name)?.value as unknown)
  return methods.filter((method): method is () => unknown => typeof method === 'function' && Reflect.hasMetadata('method', method) && Reflect.hasMetadata('path', method))
    .flatMap((method) => pathsOf(controller).flatMap((base) => pathsOf(method).map((path) => ({
      method: RequestMethod[Reflect.getMetadata('method', method) as number] as string,
      path: templateOf(`/${[base, path].flatMap((part) => part.split('/')).filter((part) => part !== '').join('/')}`),
      scope: scopeNeededBy(method),
    }))))
}

const pathsOf = (target: object): string[] => [(Reflect.getMetadata('path', target) ?? '') as string | string[]].flat()
